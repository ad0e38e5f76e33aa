// A library with a symbol that g++ makes unique in the process: built without the flag that forbids it.
template <class T>
struct __attribute__((visibility("default"))) Shared {
  static inline int value = 0;
};

extern "C" __attribute__((visibility("default"))) int* shared_value() {
  return &Shared<int>::value;
}
