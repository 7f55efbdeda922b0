// weights_file.hxx: the file of weights in memory, and the proof that it is the right one.
//
// Not a kernel: stands once in the model's own namespace, outside the regions.
// includes: <cstddef> <cstdint> <cstdio> <cstring> <limits> <memory> <new> <stdexcept> <string>
// includes if defined(__unix__) || defined(__APPLE__): <fcntl.h> <sys/mman.h> <sys/stat.h> <unistd.h>
#pragma once

/// A file's bytes, read-only and aligned to 64: mapped where the system can, else read. Whoever holds the pointer keeps them alive.
/// A mapped file must not be cut short while it is in use.
struct WeightsFile {
   static std::shared_ptr<const char> open(const std::string& path, const char* model, std::size_t& bytes)
   {
      const std::string failure = std::string(model) + ": cannot open weights file " + path;
      bytes = 0;
#if defined(__unix__) || defined(__APPLE__)
      const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0) throw std::runtime_error(failure);
      struct stat status;
      const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
      const std::size_t size = regular && status.st_size > 0 ? static_cast<std::size_t>(status.st_size) : 0;
      void* const begin = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
      ::close(file);
      if (!regular || begin == MAP_FAILED) throw std::runtime_error(failure);
      bytes = size;
      if (size == 0) return nullptr;
      return std::shared_ptr<const char>(static_cast<const char*>(begin), [size](const char* p) { ::munmap(const_cast<char*>(p), size); });
#else
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
      if (!file || std::fseek(file.get(), 0, SEEK_END) != 0) throw std::runtime_error(failure);
      const long size = std::ftell(file.get());
      const bool known = size >= 0 && size < std::numeric_limits<long>::max();  // of a folder it may be the largest number
      if (!known || std::fseek(file.get(), 0, SEEK_SET) != 0) throw std::runtime_error(failure);
      const std::size_t wanted = static_cast<std::size_t>(size);
      char* const begin = static_cast<char*>(::operator new(wanted, std::align_val_t(64)));
      std::shared_ptr<const char> data(begin, [](const char* p) { ::operator delete(const_cast<char*>(p), std::align_val_t(64)); });
      if (std::fread(begin, 1, wanted, file.get()) != wanted) throw std::runtime_error(failure);
      bytes = wanted;
      return data;
#endif
   }
};

/// The sum, modulo 2^64, of mix(word i ^ (i + 1) * step) over 64-bit little-endian words. A change within one word always
/// shows; swapped words or a range of zeros escape one time in 2^64. `bytes` is a multiple of 8. numpy's twin: emit/checksum.py.
inline std::uint64_t checksum(const char* data, std::size_t bytes)
{
   std::uint64_t sum = 0, key = 0;
   for (std::size_t i = 0; i < bytes; i += 8) {
      std::uint64_t word;
      std::memcpy(&word, data + i, 8);
      key += 0x9e3779b97f4a7c15u;
      word ^= key;
      word = (word ^ word >> 32) * 0xbf58476d1ce4e5b9u;
      word = (word ^ word >> 29) * 0x94d049bb133111ebu;
      sum += word ^ word >> 32;
   }
   return sum;
}

/// Throws std::runtime_error unless the memory holds exactly the weights that the model was made with: `header_bytes` of header,
/// then `payload_bytes` of payload, both multiples of 64. `where` names the memory in the message: a file's path.
inline void check_weights(const char* data, std::size_t bytes, const std::string& where, const char* model, std::size_t header_bytes,
                          std::size_t payload_bytes, std::uint64_t header_hash, std::uint64_t payload_hash)
{
   const auto fail = [&](const std::string& what) { throw std::runtime_error(std::string(model) + ": " + where + " " + what); };
   const std::uint16_t one = 1;
   unsigned char first_byte;
   std::memcpy(&first_byte, &one, 1);
   if (first_byte != 1) fail("holds little-endian numbers, and this machine is big-endian");
   if (bytes >= header_bytes && checksum(data, header_bytes) != header_hash) fail("holds the weights of another model");
   if (bytes != header_bytes + payload_bytes)
      fail("has " + std::to_string(bytes) + " bytes, expected " + std::to_string(header_bytes + payload_bytes));
   if (reinterpret_cast<std::uintptr_t>(data) % 64 != 0) fail("is not aligned to 64 bytes");
   const std::uint64_t found = checksum(data + header_bytes, payload_bytes);
   if (found == payload_hash) return;
   char message[80];
   std::snprintf(message, sizeof(message), "is damaged: checksum %016llx, expected %016llx", static_cast<unsigned long long>(found),
                 static_cast<unsigned long long>(payload_hash));
   fail(message);
}
