// Building blocks that several models share: layer normalisation, activations, a linear layer with its parameters.
// Attention and whole models stay with their owners.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "cell2text/nn/linear.hpp"
#include "cell2text/nn/parameters.hpp"

namespace cell2text {

/// What stands between two linear layers; `gelu_tanh` is the approximation by tanh.
enum class Activation { relu, gelu, gelu_tanh };

/// By the name that config.json files use. `where` names the file and key in the InputError for any other.
inline Activation activation_named(const std::string& name, const std::string& where) {
  if (name == "relu") return Activation::relu;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::gelu_tanh;
  throw InputError(where + " is '" + name + "'; this model knows relu, gelu, gelu_new and gelu_pytorch_tanh");
}

/// The name that `activation_named` understands.
inline const char* name_of(Activation activation) {
  return activation == Activation::relu ? "relu" : activation == Activation::gelu ? "gelu" : "gelu_new";
}

/// Element by element; any shape.
inline Tensor activate(const Tensor& x, Activation activation) {
  if (activation == Activation::relu) return at::relu(x);
  return at::gelu(x, activation == Activation::gelu ? "none" : "tanh");
}

/// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis.
class LayerNorm {
 public:
  /// Declares NAME.weight (ones) and NAME.bias (zeros), [width] each.
  LayerNorm(Parameters& parameters, const std::string& name, std::int64_t width, double epsilon)
      : weight_(&parameters.declare(name + ".weight", {width}, Init::ones())),
        bias_(&parameters.declare(name + ".bias", {width}, Init::zeros())),
        epsilon_(epsilon) {}

  Tensor operator()(const Tensor& x) const {
    const auto type = x.scalar_type();  // weights of two bytes are widened: what flows is float32 on the CPU
    return at::layer_norm(x, weight_->value.sizes(), weight_->value.to(type), bias_->value.to(type), epsilon_);
  }

 private:
  Parameter* weight_;
  Parameter* bias_;
  double epsilon_;
};

/// The sizes of a linear layer.
struct LinearShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// Declares NAME.weight [out, in] and NAME.bias [out] and joins them. Without an `init` both start uniform within
/// 1 / sqrt(in), as torch.nn.Linear does; with one the weight follows it and the bias is zero.
inline LinearSlot declare_linear(Parameters& parameters, const std::string& name, LinearShape shape,
                                 std::optional<Init> init = std::nullopt) {
  const Init usual = Init::uniform(1 / std::sqrt(static_cast<double>(shape.in)));
  Parameter& weight = parameters.declare(name + ".weight", {shape.out, shape.in}, init.value_or(usual));
  return {name, weight, &parameters.declare(name + ".bias", {shape.out}, init ? Init::zeros() : usual)};
}

}  // namespace cell2text
