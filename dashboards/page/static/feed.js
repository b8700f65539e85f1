// The stream of changes put together again to a state, and how old that state is.

export class Feed {
  // `changed(state, names)` is called with everything known and what is new in it; `aged(freshness)` once a second.
  constructor(url, { changed, aged }) {
    this.state = {};
    this.heardAt = performance.now();
    this.connected = false;
    this.aged = aged;
    const stream = new EventSource(url);
    stream.onmessage = (message) => {
      const parts = JSON.parse(message.data);
      this.heardAt = performance.now();
      this.connected = true;
      Object.assign(this.state, parts);
      if (this.state.now) changed(this.state, new Set(Object.keys(parts)));
      this.tell();
    };
    // The browser connects again by itself, except where an answer forbids it.
    stream.onerror = () => {
      this.connected = false;
      this.tell();
    };
    setInterval(() => this.tell(), 1000);
  }

  // The server says how long the network's time has stood still; what it could not tell us is our own waiting.
  tell() {
    const waited = (performance.now() - this.heardAt) / 1000;
    const feed = this.state.feed;
    const finished = Boolean(this.state.now?.finished);
    const age = (feed ? feed.age_s : 0) + waited;
    const limit = feed ? feed.stale_after_s : 5;
    // A finished run stands still and is right; a lost connection is stale all the same once it was not.
    const known = Boolean(this.state.now?.at);
    // What was never known cannot grow old, unless nobody is there to say why.
    const stale = age > limit && !finished && (known || !this.connected);
    const { notice = "", ready = true } = this.state.now ?? {};
    this.aged({ age, stale, finished, connected: this.connected, known, notice, ready });
  }
}
