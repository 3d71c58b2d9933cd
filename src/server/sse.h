// Server-sent events: one event as the bytes of a text/event-stream.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::server {

inline constexpr std::string_view kSseContentType = "text/event-stream; charset=utf-8";

// "event: NAME\ndata: LINE\n...\n\n"; without the first line when `event` is empty. Every line of `data` (ended by
// LF, CR or CR LF) becomes a data line of its own, so no text can end the event or begin another; line ends in
// `event` are left out. A reader gets the lines back joined by LF (WHATWG HTML, 9.2.6).
[[nodiscard]] std::string sse_event(std::string_view event, std::string_view data);

// A comment, which readers skip: keeps idle streams open through proxies.
[[nodiscard]] std::string_view sse_keep_alive();

}  // namespace docmind::server
