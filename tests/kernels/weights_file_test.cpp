// kernels:
//
// The weights file's reader and its check: what is accepted, and the message for each kind of wrong file. Writes weights_file_test.tmp
// in the current folder. The checksums are those of onnx_bridge/emit/checksum.py (tests/kernels/test_checksum.py names the same ones).
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <system_error>
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
static std::string complaint(const std::string& file, const ExpectedWeights& expected, Check check = Check::all)
{
   WeightsFile found;
   std::string problem;
   if (!found.open(file.c_str(), problem)) return problem;
   char more[80] = "";
   return expected.are(found.data.get(), found.bytes, check, found.identity, more) ? "" : file + more;
}
static bool opens(WeightsFile& found, const char* file)
{
   std::string problem;
   return found.open(file, problem);
}
/// What checking memory says; empty where it is right.
static std::string complaint(const ExpectedWeights& expected, const char* data, std::size_t bytes, std::uint64_t identity)
{
   char problem[80] = "";
   return expected.are(data, bytes, Check::all, identity, problem) ? "" : std::string("memory") + problem;
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
   const ExpectedWeights expected = {header, payload, header_hash, payload_hash};
   const auto check = [&](const std::string& content, const std::string& message) {
      write(content);
      const std::string found = complaint(path, expected);
      expect(found == (message.empty() ? "" : "weights_file_test.tmp " + message), "message: " + found);
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
   expect(complaint(path, expected, Check::layout).empty(), "a damaged number is not looked for");
   write("another" + right.substr(7));
   expect(!complaint(path, expected, Check::layout).empty(), "another model's weights, without the sum");
   std::remove(path);
   expect(complaint("no/such.dat", expected) == "cannot open weights file no/such.dat: " + std::generic_category().message(ENOENT), "no such file");
#if defined(__unix__) || defined(__APPLE__)
   expect(complaint(".", expected) == "cannot open weights file .: not a regular file", "a folder");
   expect(::mkfifo(path, 0600) == 0, "mkfifo");
   expect(complaint(path, expected) == "cannot open weights file weights_file_test.tmp: not a regular file", "a pipe that nobody writes to");
   std::remove(path);

   // A file is summed once: what stays as it is keeps its identity, but not where it was changed a moment ago.
   write(right);
   WeightsFile fresh, old, old_again;
   expect(opens(fresh, path) && fresh.identity == 0, "a file that was just written might be changed unseen");
   expect(opens(old, "/proc/self/exe") || opens(old, "/bin/sh"), "an old file");
   expect(opens(old_again, "/proc/self/exe") || opens(old_again, "/bin/sh"), "an old file, again");
   expect(old.identity == old_again.identity, "the same file");
   std::string damaged = right;
   damaged[header] = static_cast<char>(damaged[header] ^ 1);
   std::vector<char> space(right.size() + 64);
   char* const place = space.data() + (64 - reinterpret_cast<std::uintptr_t>(space.data()) % 64) % 64;
   std::memcpy(place, damaged.data(), damaged.size());
   expect(!complaint(expected, place, damaged.size(), 7).empty(), "damaged, not seen before");
   std::memcpy(place, right.data(), right.size());
   expect(complaint(expected, place, right.size(), 7).empty(), "right");
   std::memcpy(place, damaged.data(), damaged.size());
   expect(complaint(expected, place, damaged.size(), 7).empty(), "summed before: not again");
   expect(!complaint(expected, place, damaged.size(), 8).empty(), "another identity");
   expect(!complaint(expected, place, damaged.size(), 0).empty(), "no identity");

   // Without a name: where the program runs, else beside it, else beside the header.
   expect(WeightsFile::find(path, "/nowhere/net.dat", "/nowhere/net.hxx") == path, "in the working directory");
   expect(WeightsFile::find("net.dat", "/nowhere/net.dat", "/nowhere/net.hxx") == "net.dat", "nowhere");
   expect(::mkdir("weights_file_test.dir", 0700) == 0 && std::rename(path, "weights_file_test.dir/net.dat") == 0, "moved");
   expect(WeightsFile::find("net.dat", "/nowhere/net.dat", "weights_file_test.dir/net.hxx") == "weights_file_test.dir/net.dat", "beside the header");
   expect(WeightsFile::find("net.dat", "weights_file_test.dir/net.dat", "/nowhere/net.hxx") == "weights_file_test.dir/net.dat", "beside the program");
   expect(WeightsFile::beside("/net.dat", path) == "/net.dat", "a path that is absolute");
   expect(WeightsFile::beside("net.dat", nullptr) == "net.dat", "an address that belongs to nothing");
   std::remove("weights_file_test.dir/net.dat");
   ::rmdir("weights_file_test.dir");
#endif

   std::vector<char> room(right.size() + 128);
   char* const shifted = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64 + 4;
   std::memcpy(shifted, right.data(), right.size());
   expect(complaint(expected, shifted, right.size(), 0) == "memory is not aligned to 64 bytes", "unaligned memory");
   expect(complaint({64, 0, 0x15428d86ed422068u, 0}, aligned, 64, 0).empty(), "no payload");
   if (failures == 0) std::puts("weights_file: all right");
   return failures != 0;
}
