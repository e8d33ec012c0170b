// Runs before the page's own scripts. Notes what comes over the kernel's socket, when the outputs of
// one cell were painted, and Chromium's layout shifts; all times are milliseconds since the epoch.
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const bench = { messages: [], paints: [], shifts: [], pauses: [], first: null, over: false, now };
  window.bench = bench;

  // v1.kernel.websocket.jupyter.org: how many offsets, the offsets, then channel, header, …
  const decoder = new TextDecoder();
  function header(data) {
    const view = new DataView(data);
    const offset = (n) => Number(view.getBigUint64(8 * (n + 1), true));
    return JSON.parse(decoder.decode(new Uint8Array(data, offset(1), offset(2) - offset(1))));
  }

  window.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      if (!/\/api\/kernels\/.*\/channels/.test(url)) return;
      this.addEventListener("message", ({ data }) => {
        const { msg_type, date } = header(data);
        bench.messages.push([now(), data.byteLength, Date.parse(date), msg_type]);
      });
    }
  };

  new PerformanceObserver((list) => {
    for (const { startTime, value, hadRecentInput } of list.getEntries()) {
      if (!hadRecentInput) bench.shifts.push([performance.timeOrigin + startTime, value]);
    }
  }).observe({ type: "layout-shift", buffered: true });

  // How long a click would wait: a timer that is due every 20 ms comes late while the page is busy.
  bench.pulse = () => {
    let due = now() + 20;
    const beat = () => {
      bench.pauses.push([now(), Math.max(0, now() - due)]);
      due = now() + 20;
      setTimeout(beat, 20);
    };
    bench.pauses = [];
    setTimeout(beat, 20);
  };

  // The outputs of a cell; `word` tells the answer from a line that waits for it.
  bench.watch = (number, word) => {
    const cell = document.querySelectorAll(".jp-Notebook .jp-CodeCell")[number];
    const outputs = cell.querySelector(".jp-Cell-outputWrapper");
    const prompt = cell.querySelector(".jp-InputPrompt");
    let [scheduled, changed, quiet, checked] = [false, false, 0, now()];
    Object.assign(bench, { paints: [], first: null, over: false });

    function frame() {
      scheduled = false;
      const begins = bench.first === null && outputs.textContent.includes(word);
      // A task queued before the frame is painted runs after it.
      setTimeout(() => {
        bench.paints.push(now());
        if (begins) bench.first = now();
      });
    }

    // The table of contents puts an empty element into each heading, 0.25 s after the last change.
    const isNumbering = (node) => node.className === "numbering-entry" && !node.textContent;
    const isUnseen = ({ type, addedNodes, removedNodes }) =>
      type === "childList" && [...addedNodes, ...removedNodes].every(isNumbering);
    bench.observer?.disconnect();
    bench.observer = new MutationObserver((records) => {
      if (records.every(isUnseen)) return;
      changed = true;
      if (!scheduled) requestAnimationFrame(frame);
      scheduled = true;
    });
    bench.observer.observe(outputs, { childList: true, characterData: true, subtree: true });

    // Over: the cell is done, and for a while nothing changed in a page that was free to.
    const timer = setInterval(() => {
      const busy = now() - checked > 750 || changed || !/\d/.test(prompt.textContent);
      [quiet, changed, checked] = [busy ? 0 : quiet + 1, false, now()];
      bench.over = quiet >= 5;
      if (bench.over) clearInterval(timer);
    }, 500);
  };

  bench.outputs = (number) =>
    document.querySelectorAll(".jp-Notebook .jp-CodeCell")[number].querySelector(
      ".jp-Cell-outputWrapper"
    ).innerText;
})();
