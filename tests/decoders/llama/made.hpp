// The decoder of these tests. Compiled once, in llama.cpp: with all that belongs to it, it takes half a minute.
#pragma once

#include "llama.hpp"
#include "support/gru_decoder.hpp"

namespace cell2text::test {
extern template OwnedDecoder make_decoder<llama::Llama>(const Value&, std::uint64_t);
}
