// A handful of documents, one of each format, with facts that only one of them holds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "support/docmind.h"
#include "support/docx_writer.h"
#include "support/pdf_writer.h"

namespace docmind::test {

inline constexpr int kNSampleDocs = 5;

inline std::string leave_markdown() {
  return "# Leave policy\n\nEmployees have thirty days of annual leave.\n\n## Carry over\n\n"
         "Unused leave days expire on the last day of March.\n";
}

inline std::string coffee_html() {
  return "<!doctype html><html><head><title>Coffee corner</title></head><body>"
         "<nav><ul><li><a href='/a'>Careers</a></li><li><a href='/b'>Imprint</a></li></ul></nav>"
         "<main><h1>Coffee corner</h1><p>The espresso machine needs descaling after two hundred "
         "cups.</p><p>Put the tablet into the empty tank, fill the tank to the mark and start the "
         "cleaning programme with both buttons. Let two tanks of clear water run through the brewing "
         "unit before anybody drinks from it again.</p></main><footer>Subscribe to the newsletter"
         "</footer></body></html>";
}

// Each page is long enough to be a passage of its own.
inline std::string pump_pdf() {
  std::string parts = "\n";
  for (int i = 0; i < 30; ++i) {
    parts += "Part " + std::to_string(i) + " stands on a shelf beside the other spare parts.\n";
  }
  return make_pdf({"Pump manual\n\nThe pump weighs forty kilograms.\n" + parts,
                   "Maintenance\n\nThe pump must be greased every six weeks.\n" + parts},
                  {.title = "Pump manual"});
}

inline std::string lease_docx() {
  return make_docx(docx_paragraph("Lease", "Heading1") +
                   docx_paragraph("The notice period of the lease is three months."));
}

inline void write_sample_docs(const Sandbox& box) {
  box.doc("leave.md", leave_markdown());
  box.doc("network/vpn.txt",
          "The VPN gateway is called heron.\nIts certificate is renewed every ninety days.\n");
  box.doc("coffee.html", coffee_html());
  box.doc("pump.pdf", pump_pdf());
  box.doc("lease.docx", lease_docx());
}

}  // namespace docmind::test
