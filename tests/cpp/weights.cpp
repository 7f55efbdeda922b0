// weights FILE: says what the constructors make of a weights file, from its name and from memory; a line each.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "mlp.hxx"

#include "check.hxx"

int main(int count, char** words)
{
   CHECK(count == 2);
   const std::string file = words[1];
   using onnx_bridge::mlp::Model;
   std::printf("file: %s\n", thrown([&] { Model model(file); }).c_str());
   std::printf("session: %s\n", thrown([&] { TMVA_SOFIE_mlp::Session session(file); }).c_str());

   std::FILE* const stream = std::fopen(file.c_str(), "rb");
   if (!stream) return 0;
   char* const memory = static_cast<char*>(std::aligned_alloc(64, 1 << 20));
   const std::size_t bytes = std::fread(memory, 1, 1 << 20, stream);
   std::fclose(stream);
   std::printf("memory: %s\n", thrown([&] { Model model(memory, bytes); }).c_str());
   std::memmove(memory + 4, memory, bytes);
   std::printf("misaligned: %s\n", thrown([&] { Model model(memory + 4, bytes); }).c_str());
   std::free(memory);
}
