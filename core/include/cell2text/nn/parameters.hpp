// The parameters of one model part, owned by the core and declared by the plugin, once and by name.
// A plugin keeps references to `Parameter` and reads `value` at each use, so that the core can move
// values into flat groups, gather them or cast them in between.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/huge_pages.hpp"
#include "cell2text/io/tensors.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

struct Parameter {
  std::string name;
  Tensor value;
  bool trainable = false;
};

/// How a parameter starts where no checkpoint gives it.
struct Init {
  enum class Kind { normal, uniform, constant };
  Kind kind = Kind::normal;
  double a = 0;  ///< normal: standard deviation; uniform: bound (-a..a); constant: value

  static Init normal(double deviation) { return {Kind::normal, deviation}; }
  static Init uniform(double bound) { return {Kind::uniform, bound}; }
  static Init zeros() { return {Kind::constant, 0}; }
  static Init ones() { return {Kind::constant, 1}; }
};

/// An ordered set of parameters. Addresses of parameters stay valid for the life of the set.
class Parameters {
 public:
  Parameters(torch::Device device, torch::ScalarType dtype, std::uint64_t seed)
      : device_(device), dtype_(dtype), generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  /// From here on, `declare` takes values from `files`; a name is looked up as `name`, then without
  /// `optional_prefix` (checkpoints of a bare model leave the prefix out).
  void load_from(std::shared_ptr<const TensorFiles> files, std::string optional_prefix = "") {
    files_ = std::move(files);
    prefix_ = std::move(optional_prefix);
  }

  /// The type that values are kept in from here on, instead of the one given at the start: `type`, or nothing for the
  /// checkpoint's own (float32 where there is no checkpoint, or it has another type than float32, float16, bfloat16).
  void set_type(std::optional<torch::ScalarType> type) { dtype_ = type; }

  /// Makes what is trained float32, which small steps need.
  void widen_trainable() {
    for (Parameter& parameter : list_)
      if (parameter.trainable) parameter.value = parameter.value.to(torch::kFloat32);
  }

  /// Adds a parameter. With a checkpoint its value is the checkpoint's (a read-only view on the mapped
  /// file where device and type allow); InputError where it is missing or has another shape.
  /// Without one it starts at random by `init`, from this set's own generator.
  Parameter& declare(const std::string& name, const std::vector<std::int64_t>& shape, Init init) {
    if (index_.contains(name)) throw BugError("parameter '" + name + "' is declared twice");
    Tensor value = files_ ? loaded(name, shape) : initial(shape, init);
    index_.emplace(name, list_.size());
    list_.push_back({name, std::move(value), false});
    return list_.back();
  }

  /// Throws InputError where the checkpoint holds tensors that no parameter took, unless `ignorable`
  /// says that the name is known and not needed.
  void expect_all_used(const std::function<bool(const std::string&)>& ignorable) const {
    if (!files_) return;
    std::string extra;
    for (const std::string& name : files_->names())
      if (!used_.contains(name) && !ignorable(name)) extra += (extra.empty() ? "'" : ", '") + name + "'";
    if (!extra.empty())
      throw InputError(files_->path().string() + ": tensors that this model does not have: " + extra +
                       ". config.json and the weights do not belong together, or the model is of another family");
  }

  bool from_checkpoint() const { return files_ != nullptr; }
  /// The file or folder that values come from; empty where they are random.
  std::filesystem::path checkpoint() const { return files_ ? files_->path() : std::filesystem::path(); }

  std::deque<Parameter>& list() { return list_; }
  const std::deque<Parameter>& list() const { return list_; }

  Parameter* find(const std::string& name) {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &list_[found->second];
  }

  void set_trainable(bool trainable) {
    for (Parameter& parameter : list_) parameter.trainable = trainable;
  }

  /// Number of values; of the trainable ones alone where asked.
  std::int64_t count(bool trainable_only = false) const {
    std::int64_t sum = 0;
    for (const Parameter& parameter : list_)
      if (parameter.trainable || !trainable_only) sum += parameter.value.numel();
    return sum;
  }

  /// Writes all parameters, in order, as one .safetensors file.
  void save(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata = {}) const {
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const Parameter& parameter : list_) tensors.emplace_back(parameter.name, parameter.value.detach());
    save_tensors(path, tensors, metadata);
  }

  /// Replaces all values by those of a file written by `save`. InputError on any difference in names or shapes.
  void load(const std::filesystem::path& path) {
    load_from(std::make_shared<const TensorFiles>(TensorFiles::open(path)));
    for (Parameter& parameter : list_) parameter.value = loaded(parameter.name, parameter.value.sizes().vec());
    expect_all_used([](const std::string&) { return false; });
  }

 private:
  Tensor loaded(const std::string& name, const std::vector<std::int64_t>& shape) {
    std::string key = name;
    if (!files_->contains(key) && !prefix_.empty() && key.starts_with(prefix_)) key = key.substr(prefix_.size());
    if (!files_->contains(key))
      throw InputError(files_->path().string() + ": tensor '" + name +
                       "' is missing; the checkpoint is incomplete "
                       "or of another family");
    if (files_->shape(key) != shape)
      throw InputError(files_->path().string() + ": tensor '" + key + "' has shape " + sizes(files_->shape(key)) +
                       "; config.json asks for " + sizes(shape));
    // Packed weights of a quantised model, for instance: as numbers they mean nothing.
    if (!at::isFloatingType(files_->dtype(key)))
      throw InputError(files_->path().string() + ": tensor '" + key + "' holds " + c10::toString(files_->dtype(key)) +
                       " values; floating-point weights are expected");
    used_.insert(key);
    const auto own = files_->dtype(key);
    const bool kept = own == torch::kHalf || own == torch::kBFloat16;
    return files_->tensor(key).to(device_, dtype_.value_or(kept ? own : torch::kFloat32));
  }

  static std::string sizes(const std::vector<std::int64_t>& shape) {
    std::string all = "[";
    for (const std::int64_t n : shape) all += (all.size() > 1 ? ", " : "") + std::to_string(n);
    return all + "]";
  }

  // Always drawn in float32 on the CPU: the same start on every device and in every type.
  Tensor initial(const std::vector<std::int64_t>& shape, Init init) {
    Tensor value = torch::empty(shape, torch::kFloat32);
    prefer_huge_pages(value);
    switch (init.kind) {
      case Init::Kind::normal:
        value.normal_(0, init.a, generator_);
        break;
      case Init::Kind::uniform:
        value.uniform_(-init.a, init.a, generator_);
        break;
      case Init::Kind::constant:
        value.fill_(init.a);
        break;
    }
    return value.to(device_, dtype_.value_or(torch::kFloat32));
  }

  torch::Device device_;
  std::optional<torch::ScalarType> dtype_;
  at::Generator generator_;
  std::shared_ptr<const TensorFiles> files_;
  std::string prefix_;
  std::set<std::string> used_;
  std::deque<Parameter> list_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace cell2text
