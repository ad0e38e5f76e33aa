// Includes what a plugin's author includes, makes a tensor, and says which versions it met.
#include <cell2text/plugin.hpp>
#include <cell2text/version.hpp>
#include <cstdio>

int main() {
  const cell2text::Tensor x = torch::ones({2, 3});
  cell2text::expect_shape(x, {2, -1}, "x");
  std::printf("cell2text %s, ABI %u, LibTorch %s, sum %g\n", cell2text::version, cell2text::abi_number, TORCH_VERSION,
              x.sum().item<double>());
  return x.sum().item<double>() == 6 ? 0 : 1;
}
