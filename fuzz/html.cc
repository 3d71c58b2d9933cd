// Fuzzes the HTML reader: any bytes give a sound document or an error.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/check_document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  docmind::fuzz::check_reader(docmind::ingest::read_html, docmind::fuzz::as_text(data, size));
  return 0;
}
