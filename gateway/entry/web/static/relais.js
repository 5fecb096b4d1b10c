// Live pages: the server says which zone changed, this module fetches that zone and replaces it.
// Of all tabs of a browser one listens and repeats to the others, so that the few connections a
// browser opens to one origin are not used up. Without this module every page works by reloading.
const root = document.documentElement;
const address = root.dataset.live;
const policy = window.trustedTypes?.createPolicy("relais", { createHTML: (text) => text });
const channel = "BroadcastChannel" in window ? new BroadcastChannel("relais-live") : null;
const seen = new Set();
let waiting = new Set();
let timer = 0;
let last = "";
let said = 0;

const nodes = (kind, zone) => document.querySelectorAll(`[data-${kind}="${CSS.escape(zone)}"]`);
const show = (state) => { root.dataset.liveState = state; };
const note = (zone) => nodes("note", zone).forEach((node) => { node.hidden = false; });

function say() {
  const line = document.getElementById("said");
  if (!line || Date.now() - said < 10000) return;
  said = Date.now();
  line.textContent = line.dataset.said;
  setTimeout(() => { line.textContent = ""; }, 4000);
}

async function refresh(zone) {
  note(zone);
  for (const node of nodes("zone", zone)) {
    // What somebody reads with the keyboard, or has begun to type, is not taken away.
    if (node.contains(document.activeElement) && zone !== "badges") { note("all"); continue; }
    const answer = await fetch(node.dataset.src, { headers: { "X-Fragment": zone } }).catch(() => null);
    if (!answer?.ok) continue;
    const text = await answer.text();
    // Made by our own server from escaped templates.
    node.innerHTML = policy ? policy.createHTML(text) : text;
    if (zone !== "badges") say();
  }
}

function take({ id, type, data }) {
  if (seen.has(id + type)) return;
  if (seen.size > 500) seen.clear();
  seen.add(id + type);
  last = id || last;
  if (type === "bye") return show(data.why);
  if (type === "reset") return note("all");
  data.zones.forEach((zone) => waiting.add(zone));
  timer ||= setTimeout(() => {
    timer = 0;
    const now = waiting;
    waiting = new Set();
    now.forEach(refresh);
  }, 200);
}

function listen() {
  return new Promise((done) => {
    const source = new EventSource(last ? `${address}?after=${encodeURIComponent(last)}` : address);
    const tell = (state) => { show(state); channel?.postMessage({ state }); };
    source.onopen = () => tell("on");
    source.onerror = () => {
      tell("retry");
      if (source.readyState === EventSource.CLOSED) setTimeout(done, 5000);
    };
    for (const type of ["change", "reset", "bye"]) {
      source.addEventListener(type, (raw) => {
        const event = { id: raw.lastEventId, type, data: JSON.parse(raw.data || "{}") };
        take(event);
        channel?.postMessage({ event });
        if (type === "bye") { source.close(); setTimeout(done, 1000 + Math.random() * 4000); }
      });
    }
  });
}

async function lead() { for (;;) await listen(); }

if (channel) {
  channel.onmessage = ({ data }) => {
    if (data.ask) { if (root.dataset.liveState === "on") channel.postMessage({ state: "on" }); }
    else if (data.state) show(data.state);
    else take(data.event);
  };
  channel.postMessage({ ask: true });
}
if (address) navigator.locks ? navigator.locks.request("relais-live", lead) : lead();

// A list that has the focus goes by keys: j and k from row to row, x chooses, t takes.
const table = document.querySelector("[data-keys]");
const rows = table ? [...table.tBodies[0].rows] : [];
const counter = document.querySelector("[data-count]");
const count = () => { if (counter) counter.textContent = document.querySelectorAll(".pick input:checked").length; };
table?.addEventListener("change", count);
count();
table?.addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea, select, input:not([type=checkbox])");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = event.target.closest("tr");
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (step) rows[rows.indexOf(row) + step]?.querySelector(".wh a").focus();
  else if (event.key === "x") row.querySelector(".pick input")?.click();
  else if (event.key === "t") row.querySelector(".nx button")?.click();
  else return;
  event.preventDefault();
});
