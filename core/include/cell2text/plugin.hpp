// All that a plugin's author includes. One line registers a class:
//
//   CELL2TEXT_PLUGIN(decoder, "gru", GruDecoder, "A small recurrent decoder.")
//
// kinds: source, encoder, adapter, decoder, finetuning, metric, baseline. One plugin per library.
#pragma once

#include "cell2text/plugin/descriptor.hpp"

#define CELL2TEXT_PLUGIN(KIND, NAME, CLASS, HELP)                                                                 \
  static_assert(::cell2text::kinds::KIND::satisfied<CLASS>,                                                       \
                #CLASS " does not offer what a plugin of kind " #KIND " must offer; see cell2text/concepts.hpp"); \
  namespace cell2text_plugin_detail {                                                                             \
  __attribute__((section(".cell2text"), used)) constinit const ::cell2text::Manifest manifest =                   \
      ::cell2text::make_manifest(#KIND, NAME);                                                                    \
  }                                                                                                               \
  extern "C" __attribute__((visibility("default"))) const ::cell2text::PluginDescriptor* cell2text_plugin() {     \
    static constexpr auto descriptor = ::cell2text::descriptor_of<::cell2text::kinds::KIND, CLASS>(NAME, HELP);   \
    return &descriptor;                                                                                           \
  }
