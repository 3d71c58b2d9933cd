// The page: three views over one server.
// SPDX-License-Identifier: Apache-2.0
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/layout.css';
import './style/chat.css';
import './style/documents.css';
import './style/performance.css';

import { ApiFailure } from './api';
import { ChatView } from './chat/chat_view';
import { Collections } from './collections';
import { showConnection } from './connection_view';
import { DocumentsView } from './documents/documents_view';
import { byId } from './dom';
import { PerformanceView } from './performance/performance_view';
import { StatsFeed } from './stats_feed';
import { Tabs } from './tabs';
import { startTheme } from './theme';

startTheme(byId('theme'));
const feed = new StatsFeed();
const collections = new Collections();
showConnection(byId('connection'), feed);

new Tabs({
  chat: new ChatView(byId('panel-chat'), collections, feed),
  documents: new DocumentsView(byId('panel-documents'), collections),
  performance: new PerformanceView(byId('panel-performance'), feed),
});

// As soon as there is a connection, and after each one that was lost.
feed.listenConnection((connection) => {
  if (connection !== 'live') return;
  collections.load().catch((error: unknown) => {
    // Tried again with the next connection, which the head of the page is about.
    if (!(error instanceof ApiFailure)) throw error;
  });
});
void feed.run();
