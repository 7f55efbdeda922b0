// weights_file.hxx: the file of weights in memory, and the proof that it is the right one.
//
// Not a kernel: stands once in the model's own namespace, outside the regions. Nothing here throws but for want of memory: who finds
// something wrong returns false, and writes what to memory of the caller's. Run once a Model, so that what counts is what it takes to
// compile: `cold` spares the compiler inlining, and few std::strings the joining of each and the cleaning up on every way out.
#pragma once

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

/// A file's bytes, read-only and aligned to 64: mapped where the system can, else read. Whoever holds the pointer keeps them alive.
/// A mapped file must not be cut short while it is in use.
struct WeightsFile {
   std::shared_ptr<const char> data{};
   std::size_t bytes = 0;
   std::uint64_t identity = 0;  ///< the same file with the same content has the same number; 0: not known

   /// Opens a regular file; never waits for a pipe or a device.
   __attribute__((cold)) bool open(const char* path, std::string& problem)
   {
#if defined(__unix__) || defined(__APPLE__)
      const int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
      if (file < 0) return failure(problem, path, errno);
      struct stat status;
      const int code = ::fstat(file, &status) != 0 ? errno : 0;
      const bool regular = code == 0 && S_ISREG(status.st_mode);
      bytes = regular && status.st_size > 0 ? static_cast<std::size_t>(status.st_size) : 0;
      const bool whole = regular && static_cast<std::uintmax_t>(status.st_size) == bytes;
      void* const begin = bytes > 0 && whole ? ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
      const int mapping = begin == MAP_FAILED ? errno : 0;
      ::close(file);
      if (code != 0 || mapping != 0) return failure(problem, path, code + mapping);
      if (!regular) return failure(problem, path, 0, ": not a regular file");
      if (!whole) return failure(problem, path, EFBIG);
      if (bytes == 0) return true;
      data.reset(static_cast<const char*>(begin), [size = bytes](const char* p) { ::munmap(const_cast<char*>(p), size); });
      identity = identity_of(status);
#else
      errno = 0;
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "rb"), std::fclose);
      if (!file || std::fseek(file.get(), 0, SEEK_END) != 0) return failure(problem, path, errno);
      const long size = std::ftell(file.get());
      const bool known = size >= 0 && size < (std::numeric_limits<long>::max)();  // of a folder it may be the largest number
      if (!known || std::fseek(file.get(), 0, SEEK_SET) != 0) return failure(problem, path, errno);
      const std::size_t wanted = static_cast<std::size_t>(size);
      char* const begin = static_cast<char*>(::operator new(wanted, std::align_val_t(64), std::nothrow));
      if (!begin) return failure(problem, path, ENOMEM);
      data.reset(begin, [](const char* p) { ::operator delete(const_cast<char*>(p), std::align_val_t(64)); });
      if (std::fread(begin, 1, wanted, file.get()) != wanted) return failure(problem, path, errno);
      bytes = wanted;
#endif
      return true;
   }

   /// The name of the weights where none is given: in the working directory if it is there, else `beside` the library or program, else
   /// beside `header`.
   __attribute__((cold)) static std::string find(const std::string& name, const std::string& beside, const std::string& header)
   {
      std::string problem;
      for (const std::string& place : {name, beside, folder(header) + name})
         if (WeightsFile().open(place.c_str(), problem)) return place;
      return name;
   }

   /// `path` from the folder of the program or shared library that has `address`; as it is where it is absolute or that is not known.
   __attribute__((cold)) static std::string beside(const std::string& path, [[maybe_unused]] const void* address)
   {
      if (!path.empty() && (path[0] == '/' || path[0] == '\\' || path.find(':') == 1)) return path;
#if defined(__linux__)
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps(std::fopen("/proc/self/maps", "re"), std::fclose);
      char line[4352], file[4200];
      const auto place = reinterpret_cast<std::uintptr_t>(address);
      for (unsigned long begin, end; maps && std::fgets(line, sizeof(line), maps.get());) {
         const int read = std::sscanf(line, "%lx-%lx %*s %*s %*s %*s %4199[^\n]", &begin, &end, file);
         if (read == 3 && begin <= place && place < end) return folder(file) + path;
      }
#elif defined(__unix__) || defined(__APPLE__)
      ::Dl_info found{};
      if (::dladdr(address, &found) != 0 && found.dli_fname) return folder(found.dli_fname) + path;
#endif
      return path;
   }

private:
   __attribute__((cold)) static bool failure(std::string& problem, const char* path, int code, const char* said = "")
   {
      problem.assign("cannot open weights file ").append(path).append(code != 0 ? ": " : said);
      if (code != 0) problem.append(std::generic_category().message(code));
      return false;
   }
   /// With the separator at its end.
   static std::string folder(const std::string& path) { return path.substr(0, path.find_last_of("/\\") + 1); }
#if defined(__unix__) || defined(__APPLE__)
   /// 0 where the file was changed within the last two seconds: it might be changed again in the same second.
   static std::uint64_t identity_of(const struct stat& status)
   {
      if (std::time(nullptr) - status.st_ctime < 3 || std::time(nullptr) - status.st_mtime < 3) return 0;
      const auto number = [](auto x) { return static_cast<std::uint64_t>(x); };
      const std::uint64_t parts[] = {number(status.st_dev), number(status.st_ino), number(status.st_size), number(status.st_mtime),
                                     number(status.st_ctime)};
      return checksum(reinterpret_cast<const char*>(parts), sizeof(parts));
   }
#endif
};

/// What is checked of the weights when a Model is made. all: every byte, by a sum, once for each file that stays as it is while the process
/// lives. layout: the size and the file's header, by which another model's weights are found; a damaged number is then a wrong result.
enum class Check { all, layout };

/// The weights that a model was made with: `header_bytes` of header, then `payload_bytes` of payload, both multiples of 64.
struct ExpectedWeights {
   std::size_t header_bytes, payload_bytes;
   unsigned long long header_hash, payload_hash;

   /// Whether some memory holds exactly these weights; what is wrong with it goes on behind its name.
   __attribute__((cold)) bool are(const char* data, std::size_t bytes, Check check, std::uint64_t identity, char (&problem)[80]) const
   {
      const auto said = [](int) { return false; };
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
      return said(std::snprintf(problem, 80, " holds little-endian numbers, and this machine is big-endian"));
#endif
      if (bytes >= header_bytes && checksum(data, header_bytes) != header_hash)
         return said(std::snprintf(problem, 80, " holds the weights of another model"));
      if (const unsigned long long all = header_bytes + payload_bytes, has = bytes; has != all)
         return said(std::snprintf(problem, 80, " has %llu bytes, expected %llu", has, all));
      if (reinterpret_cast<std::uintptr_t>(data) % 64 != 0) return said(std::snprintf(problem, 80, " is not aligned to 64 bytes"));
      static std::atomic<std::uint64_t> summed{0};  // the last file that was found right, with what it was compared with
      const std::uint64_t known = identity == 0 ? 0 : (identity ^ payload_hash) | 1;
      if (check == Check::layout || (known != 0 && summed.load(std::memory_order_relaxed) == known)) return true;
      const unsigned long long found = checksum(data + header_bytes, payload_bytes);
      if (found != payload_hash)
         return said(std::snprintf(problem, 80, " is damaged: checksum %016llx, expected %016llx", found, payload_hash));
      if (known != 0) summed.store(known, std::memory_order_relaxed);
      return true;
   }
};
