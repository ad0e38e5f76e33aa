// The decoder of these tests. Compiled once, in gemma.cpp: with all that belongs to it, it takes half a minute.
#pragma once

#include "gemma.hpp"
#include "support/gru_decoder.hpp"

namespace cell2text::test {
extern template OwnedDecoder make_decoder<gemma::Gemma>(const Value&, std::uint64_t);
}
