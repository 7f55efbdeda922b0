// kernels:
//
// The weights file's reader and its check: what is accepted, and the message for each kind of wrong file. Writes weights_file_test.tmp
// in the current folder. The checksums are those of onnx_bridge/emit/checksum.py (tests/kernels/test_checksum.py names the same ones).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>
#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace onnx_bridge { namespace tested {
#include "../../onnx_bridge/kernels/weights_file.hxx"
}}
using namespace onnx_bridge::tested;

static int failures = 0;
static void expect(bool right, const std::string& what)
{
   if (right) return;
   failures++;
   std::printf("FAILED weights_file: %s\n", what.c_str());
}

static const char path[] = "weights_file_test.tmp";
static void write(const std::string& bytes) { std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size())); }

/// What opening and checking the file says; empty where it is right.
static std::string complaint(const std::string& file, std::size_t header, std::size_t payload, std::uint64_t header_hash, std::uint64_t payload_hash)
{
   try {
      std::size_t bytes = 0;
      const std::shared_ptr<const char> data = WeightsFile::open(file, "higgs", bytes);
      check_weights(data.get(), bytes, file, "higgs", header, payload, header_hash, payload_hash);
   } catch (const std::runtime_error& error) {
      return error.what();
   }
   return "";
}

int main()
{
   std::string bytes(100000 * 8, '\0');
   for (std::size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(static_cast<unsigned char>(i % 251));
   expect(checksum(bytes.data(), 0) == 0, "checksum of nothing");
   expect(checksum(std::string(64, '\0').data(), 64) == 0x15428d86ed422068u, "checksum of zeros");
   expect(checksum(bytes.data(), 64000) == 0xd7fc57e26f429b06u, "checksum of 64000 bytes");
   expect(checksum(bytes.data(), bytes.size()) == 0x4a272acd0bf21606u, "checksum of 800000 bytes");

   const std::uint64_t whole = checksum(bytes.data(), bytes.size());
   for (std::size_t i = 0; i < bytes.size(); i += 997) {
      std::string other = bytes;
      other[i] = static_cast<char>(other[i] ^ (1 << i % 8));
      expect(checksum(other.data(), other.size()) != whole, "one bit turned at " + std::to_string(i));
   }
   std::vector<std::uint64_t> words(64, 0x3f800000bf800000u);
   words[5] = 0xbf800000bf800000u;  // the highest bit alone
   const char* const memory = reinterpret_cast<const char*>(words.data());
   const std::uint64_t before = checksum(memory, 512);
   for (std::size_t i = 0; i < 64; i++) {
      if (i == 5) continue;
      std::swap(words[5], words[i]);
      expect(checksum(memory, 512) != before, "words swapped");
      std::swap(words[5], words[i]);
   }
   for (std::size_t i = 0; i < 64; i++) {
      std::vector<std::uint64_t> zeroed = words;
      std::memset(zeroed.data() + i, 0, 8 * (64 - i));
      expect(checksum(reinterpret_cast<const char*>(zeroed.data()), 512) != before, "end zeroed");
   }

   const std::size_t header = 128, payload = 6400;
   const std::string right = bytes.substr(0, header + payload);
   alignas(64) char aligned[64] = {};
   const std::uint64_t header_hash = checksum(right.data(), header), payload_hash = checksum(right.data() + header, payload);
   const auto check = [&](const std::string& content, const std::string& message) {
      write(content);
      const std::string found = complaint(path, header, payload, header_hash, payload_hash);
      expect(found == (message.empty() ? "" : "higgs: weights_file_test.tmp " + message), "message: " + found);
   };
   check(right, "");
   check(right.substr(0, 6464), "has 6464 bytes, expected 6528");
   check(right + "x", "has 6529 bytes, expected 6528");
   check("version https://git-lfs", "has 23 bytes, expected 6528");
   check("", "has 0 bytes, expected 6528");
   check("another" + right.substr(7), "holds the weights of another model");
   check(right.substr(0, 6000) + std::string(528, '\0'), [&] {
      const std::string damaged = right.substr(header, 6000 - header) + std::string(528, '\0');
      char message[80];
      std::snprintf(message, sizeof(message), "is damaged: checksum %016llx, expected %016llx", static_cast<unsigned long long>(checksum(damaged.data(), payload)),
                    static_cast<unsigned long long>(payload_hash));
      return std::string(message);
   }());
   std::remove(path);
   expect(complaint("no/such.dat", header, payload, 0, 0) == "higgs: cannot open weights file no/such.dat", "a file that is not there");
   expect(complaint(".", header, payload, 0, 0) == "higgs: cannot open weights file .", "a folder");

   std::vector<char> room(right.size() + 128);
   char* const shifted = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64 + 4;
   std::memcpy(shifted, right.data(), right.size());
   try {
      check_weights(shifted, right.size(), "memory", "higgs", header, payload, header_hash, payload_hash);
      expect(false, "unaligned memory accepted");
   } catch (const std::runtime_error& error) {
      expect(std::string(error.what()) == "higgs: memory is not aligned to 64 bytes", error.what());
   }
   check_weights(aligned, 64, "memory", "higgs", 64, 0, 0x15428d86ed422068u, 0);
   if (failures == 0) std::puts("weights_file: all right");
   return failures != 0;
}
