// Telling the service manager (systemd) that a server is ready or stops.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace docmind::cli {

// Sends "READY=1", "RELOADING=1" or "STOPPING=1" to the socket that $NOTIFY_SOCKET names (sd_notify(3)'s protocol);
// does nothing where there is none.
void notify_service_manager(std::string_view state);

}  // namespace docmind::cli
