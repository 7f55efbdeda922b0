// A program that was written for SOFIE, for any of the headers: -DMODEL=LinearModel -DHEADER='"LinearModel.hxx"' -DINPUTS=32. It reads the numbers
// of an event and what the framework made of them, and prints the largest difference.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <vector>

#include HEADER
#define JOINED(a, b) a##b
#define SOFIE_OF(name) JOINED(TMVA_SOFIE_, name)

int main(int, char** words)
{
   std::ifstream file(words[1]);
   std::vector<float> x(INPUTS), wanted;
   for (float& number : x) file >> number;
   for (float number; file >> number;) wanted.push_back(number);

   SOFIE_OF(MODEL)::Session s;
   auto y = s.infer(x.data());
   if (y.size() != wanted.size()) return 1;
   float worst = 0;
   for (std::size_t i = 0; i < y.size(); i++) worst = std::fmax(worst, std::fabs(y[i] - wanted[i]));
   std::printf("%zu numbers, the largest difference is %g\n", y.size(), static_cast<double>(worst));
}
