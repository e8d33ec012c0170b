// Records where a word of an answer is on the screen, at each paint, and Chromium's layout shifts.
(() => {
  const recorder = { tops: [], falls: 0, shifts: [] };
  window.scrollRecorder = recorder;

  const outputs = (cell) =>
    document.querySelectorAll(".jp-Notebook .jp-CodeCell")[cell].querySelector(".jp-Cell-outputWrapper");

  function scrollerOf(node) {
    for (; node; node = node.parentElement) {
      const isScroller = /auto|scroll/.test(getComputedStyle(node).overflowY);
      if (isScroller && node.scrollHeight > node.clientHeight + 1) return node;
    }
    return document.scrollingElement;
  }

  const inner = (cell) =>
    outputs(cell).querySelector(".jp-RenderedMarkdown, .jp-OutputArea-output") ?? outputs(cell);
  recorder.scroller = (cell) => scrollerOf(inner(cell));

  const topOf = (node, offset, length) => {
    const range = document.createRange();
    range.setStart(node, offset);
    range.setEnd(node, offset + length);
    return range.getBoundingClientRect();
  };

  function* wordsOf(cell, pattern) {
    const walker = document.createTreeWalker(outputs(cell), NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      for (const match of node.data.matchAll(pattern)) {
        yield [match[0], topOf(node, match.index, match[0].length)];
      }
    }
  }

  const MARKS = /\b(?:Section|row|Formula) \d+\b/g;

  // The last whole mark on the screen, or the one in the middle of it.
  recorder.choose = (cell, isLast) => {
    // A page that fits is scrolled by nothing: what is on the screen is in the window.
    const scroller = recorder.scroller(cell);
    const isWindow = scroller === document.scrollingElement;
    const box = isWindow ? { top: 0, bottom: innerHeight } : scroller.getBoundingClientRect();
    const seen = [...wordsOf(cell, MARKS)].filter(
      ([, { top, bottom, height }]) => height && top >= box.top && bottom <= box.bottom
    );
    return seen[isLast ? seen.length - 1 : seen.length >> 1]?.[0] ?? null;
  };

  recorder.follow = (cell) => {
    const scroller = recorder.scroller(cell);
    scroller.scrollTop = scroller.scrollHeight;
  };

  recorder.watch = (cell, word) => {
    const pattern = new RegExp(`\\b${word}\\b`, "g");
    Object.assign(recorder, { tops: [], word });
    const record = () => {
      if (recorder.word !== word) return;
      const first = wordsOf(cell, pattern).next().value;
      recorder.tops.push(first && first[1].height ? Math.round(first[1].top * 10) / 10 : null);
      requestAnimationFrame(record);
    };
    requestAnimationFrame(record);
  };

  new PerformanceObserver((list) => {
    for (const { value, startTime, hadRecentInput, sources } of list.getEntries()) {
      const places = sources.map(({ node }) => node?.className || node?.nodeName);
      if (!hadRecentInput) recorder.shifts.push([startTime, value, places]);
    }
  }).observe({ type: "layout-shift" });
})();
