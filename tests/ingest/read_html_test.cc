// HTML reader: reading text, boilerplate, headings, lines, charsets, hostile markup.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "ingest/html_tags.h"
#include "ingest/reader.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

Document read_ok(std::string_view html) {
  auto document = read_html(html, ReadLimits{});
  EXPECT_TRUE(document.ok()) << document.error().message;
  return document.ok() ? std::move(document).value() : Document{};
}

std::string text_of(std::string_view body) {
  return read_ok("<html><body>" + std::string(body) + "</body></html>").text;
}

// Prose that makes a page substantial.
std::string prose(int n_sentences = 8) {
  std::string text;
  for (int i = 0; i < n_sentences; ++i) text += "The main content says something of substance here. ";
  return "<p>" + text + "</p>";
}

uint32_t line_of(const Document& document, std::string_view needle) {
  const size_t at = document.text.find(needle);
  EXPECT_NE(at, std::string::npos) << needle << " in\n" << document.text;
  uint32_t line = 0;
  for (const SourceMark& mark : document.marks) {
    if (mark.offset <= at) line = mark.line;
  }
  return line;
}

TEST(ReadHtml, SeparatesBlocksAndCollapsesWhiteSpace) {
  EXPECT_EQ(text_of("<p>One\n  two&nbsp;<b>three</b>.</p><p>Four<br>five</p><div>six</div>"),
            "One two three.\n\nFour\nfive\n\nsix\n");
}

TEST(ReadHtml, DecodesEntities) {
  EXPECT_EQ(text_of("<p>a &lt; b &amp;&amp; c &gt; d &eacute; &#8364; &#x1F600;</p>"),
            "a < b && c > d \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n");
}

TEST(ReadHtml, WritesListsTablesAndDefinitions) {
  EXPECT_EQ(text_of("<ul><li>one<li><p>two</p><ul><li>inner</li></ul></li></ul>"),
            "- one\n- two\n  - inner\n");
  EXPECT_EQ(text_of("<table><tr><th>Name<th>Price</tr><tr><td>Apple</td><td>12</td></tr>"
                    "<tr><td>Pear</td><td></td><td>x</td></tr></table>"),
            "Name | Price\nApple | 12\nPear |  | x\n");
  EXPECT_EQ(text_of("<dl><dt>term</dt><dd><p>meaning</p></dd><dt>other</dt><dd>more</dd></dl>"),
            "term\nmeaning\n\nother\nmore\n");
}

TEST(ReadHtml, KeepsLinesAndIndentationOfCode) {
  EXPECT_EQ(text_of("<p>Code:</p><pre>\nint main() {\n  <b>return</b> 0;\n\n\n}\n</pre><p>End</p>"),
            "Code:\n\nint main() {\n  return 0;\n\n}\n\nEnd\n");
}

TEST(ReadHtml, RecordsHeadingsWithTheirOffsets) {
  const Document document = read_ok(
      "<body><h1>The <em>Guide</em></h1><p>Intro</p><h2>Start</h2><p>Text</p><h3></h3></body>");
  EXPECT_EQ(document.title, "The Guide");
  ASSERT_EQ(document.headings.size(), 2U);
  EXPECT_EQ(document.headings[0].title, "The Guide");
  EXPECT_EQ(document.headings[0].offset, 0U);
  EXPECT_EQ(document.headings[1].level, 2);
  EXPECT_EQ(document.text.substr(document.headings[1].offset, 5), "Start");
}

TEST(ReadHtml, PrefersTheTitleElement) {
  const Document document =
      read_ok("<head><title>\n Page &amp; Title </title></head><body><h1>Other</h1></body>");
  EXPECT_EQ(document.title, "Page & Title");
  EXPECT_EQ(document.text, "Other\n");
}

TEST(ReadHtml, MapsTextToSourceLines) {
  const Document document = read_ok(
      "<html>\n<body>\n<p>first</p>\n\n<p>second\nand\nthird</p>\n<pre>\ncode\nmore\n</pre>\n"
      "<!-- a\ncomment -->\n<p>last</p></body></html>");
  EXPECT_EQ(line_of(document, "first"), 3U);
  EXPECT_EQ(line_of(document, "second"), 5U);
  EXPECT_EQ(line_of(document, "third"), 7U);
  EXPECT_EQ(line_of(document, "code"), 9U);
  EXPECT_EQ(line_of(document, "more"), 10U);
  EXPECT_EQ(line_of(document, "last"), 14U);
}

TEST(ReadHtml, LinesStayRightInLargePages) {
  std::string html = "<html><body>\n";
  for (int i = 2; i <= 40'000; ++i) html += "<p>line" + std::to_string(i) + "x</p>\n";
  const Document document = read_ok(html + "</body></html>");
  EXPECT_EQ(line_of(document, "line39999x"), 39'999U);
  EXPECT_EQ(line_of(document, "line20000x"), 20'000U);
}

TEST(ReadHtml, DropsScriptsStylesAndControls) {
  EXPECT_EQ(text_of("<script>var a = '<p>no</p>';</script><style>p{}</style><p>yes</p>"
                    "<noscript>no</noscript><template><p>no</p></template><svg><text>no</text></svg>"
                    "<button>no</button><select><option>no</select><textarea>no</textarea>"),
            "yes\n");
}

TEST(ReadHtml, DropsBoilerplateAroundTheContent) {
  const std::string page =
      "<div class='navheader'>Prev Up Next</div><nav>Home</nav><header>Banner</header>"
      "<div id='siteSideBar'>kept because side and bar are words of their own</div>"
      "<div class='left-sidebar'>Links</div><div role='navigation'>Role</div>"
      "<div aria-hidden='true'>Hidden1</div><p hidden>Hidden2</p><p style='display: none'>Hidden3</p>" +
      prose() + "<aside>Aside</aside><ul class='breadcrumbs'><li>Crumb</ul><footer>Copyright</footer>";
  const std::string text = text_of(page);
  for (const char* gone : {"Prev", "Home", "Banner", "Links", "Role", "Hidden", "Aside", "Crumb",
                           "Copyright"}) {
    EXPECT_EQ(text.find(gone), std::string::npos) << gone << " in\n" << text;
  }
  EXPECT_NE(text.find("main content"), std::string::npos);
  EXPECT_NE(text.find("words of their own"), std::string::npos);
}

TEST(ReadHtml, NeverDropsTheBodyOrLayoutWrappers) {
  const std::string inner = prose();
  for (const char* open : {"<body class='nav footer'>", "<body><div class='page-with-sidebar'>",
                           "<body><div class='has-navbar'>"}) {
    const Document document = read_ok("<html>" + std::string(open) + inner + "</html>");
    EXPECT_NE(document.text.find("main content"), std::string::npos) << open;
  }
}

TEST(ReadHtml, PrefersMainAndArticle) {
  const Document document = read_ok("<body><div>Outside text</div><main><header>Byline</header>" +
                                    prose() + "</main><div>Comments</div></body>");
  EXPECT_EQ(document.text.find("Outside"), std::string::npos);
  EXPECT_EQ(document.text.find("Comments"), std::string::npos);
  EXPECT_NE(document.text.find("Byline"), std::string::npos);
  const Document small = read_ok("<body>" + prose() + "<article>tiny</article></body>");
  EXPECT_NE(small.text.find("main content"), std::string::npos);
}

TEST(ReadHtml, DropsRunsOfLinks) {
  std::string links;
  for (int i = 0; i < 12; ++i) links += "<li><a href='#'>Some other page</a></li>";
  const std::string text = text_of("<ul>" + links + "</ul>" + prose() + "<ul><li>One <a>word</a> of many</ul>");
  EXPECT_EQ(text.find("Some other page"), std::string::npos) << text;
  EXPECT_NE(text.find("One word of many"), std::string::npos);
}

TEST(ReadHtml, KeepsEverythingWhenLittleWouldRemain) {
  std::string links;
  for (int i = 0; i < 60; ++i) links += "<li><a href='#'>Chapter " + std::to_string(i) + "</a></li>";
  EXPECT_NE(text_of("<p>Contents</p><div class='toc'><ul>" + links + "</ul></div>").find("Chapter 59"),
            std::string::npos);
  EXPECT_NE(text_of("<nav><p>All there is</p></nav>").find("All there is"), std::string::npos);
}

TEST(ReadHtml, ReadsTheDeclaredCharset) {
  const Document latin = read_ok(
      "<html><head><meta http-equiv='Content-Type' content='text/html; charset=ISO-8859-1'></head>"
      "<body><p>caf\xE9 \x80</p></body></html>");
  EXPECT_EQ(latin.text, "caf\xC3\xA9 \xE2\x82\xAC\n");
  EXPECT_EQ(latin.encoding, "windows-1252");
  const Document japanese = read_ok(
      "<html><head><meta charset=\"shift_jis\"></head><body>\x93\xFA\x96\x7B</body></html>");
  EXPECT_EQ(japanese.text, "\xE6\x97\xA5\xE6\x9C\xAC\n");
  // The declaration is wrong; the bytes are not.
  const Document wrong =
      read_ok("<head><meta charset='iso-8859-1'></head><body>\xC3\xA9t\xC3\xA9</body>");
  EXPECT_EQ(wrong.text, "\xC3\xA9t\xC3\xA9\n");
  const Document undeclared = read_ok("<body>\xC3\xA9t\xC3\xA9 \xE6\x97\xA5</body>");
  EXPECT_EQ(undeclared.text, "\xC3\xA9t\xC3\xA9 \xE6\x97\xA5\n");
}

TEST(ReadHtml, SurvivesDeepNesting) {
  std::string bomb = "<html><body><p>before</p>";
  for (int i = 0; i < 1'000'000; ++i) bomb += "<div>";
  bomb += "<p>deep\ntext</p><script>not this</script>";
  const Document document = read_ok(bomb);
  EXPECT_NE(document.text.find("before"), std::string::npos);
  EXPECT_NE(document.text.find("deep text"), std::string::npos) << document.text.size();
  EXPECT_EQ(document.text.find("not this"), std::string::npos);
  ASSERT_EQ(document.warnings.size(), 1U);
}

TEST(ReadHtml, SurvivesTagsMadeToBeSlow) {
  std::string open;
  for (int i = 0; i < 1'500; ++i) open += "<b>";
  std::string never;
  for (int i = 0; i < 300'000; ++i) never += "</i>";
  EXPECT_NE(read_ok("<body>" + open + never + "<p>the end</p>").text.find("the end"),
            std::string::npos);
  read_ok("<!--" + std::string(2'000'000, '-'));
  read_ok("<a href=\"" + std::string(2'000'000, 'x'));
  read_ok(std::string(300'000, '<'));
  std::string attributes = "<p";
  for (int i = 0; i < 20'000; ++i) attributes += " a" + std::to_string(i) + "=b";
  read_ok(attributes + ">text");
  std::string entities;
  for (int i = 0; i < 200'000; ++i) entities += "&amp";
  read_ok("<p>" + entities);
}

TEST(ReadHtml, TextBeyondTheLimitIsAnError) {
  ReadLimits limits;
  limits.max_text_bytes = 1'000;
  const auto document = read_html("<p>" + std::string(2'000, 'x') + "</p>", limits);
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, ErrorCode::kLimit);
}

TEST(ReadHtml, EmptyPagesAreEmptyDocuments) {
  for (const char* html : {"", "<html></html>", "<!-- -->", "   \n"}) {
    const Document document = read_ok(html);
    EXPECT_EQ(document.text, "") << html;
    EXPECT_TRUE(document.marks.empty());
  }
}

TEST(HtmlTags, JudgesWholeWords) {
  EXPECT_EQ(boilerplate_words("content"), kContent);
  EXPECT_EQ(boilerplate_words("canvas navigate menuitem"), kContent);
  EXPECT_EQ(boilerplate_words("navBar"), kByWords);
  EXPECT_EQ(boilerplate_words("site_footer"), kByWords);
  EXPECT_EQ(boilerplate_words("foo skip-link"), kByWords);
  EXPECT_EQ(boilerplate_words("toc"), kLinkList);
  EXPECT_EQ(boilerplate_words("no-sidebar"), kContent);
}

}  // namespace
}  // namespace docmind::ingest
