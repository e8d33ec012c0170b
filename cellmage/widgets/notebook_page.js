// A notebook in its page: its cells, its elements, and the outputs of answers in its model.

const NOTES = 1_000_000; // the part below an answer, as in Python

// The page of this widget's notebook: its model, and its elements.
class NotebookPage {
  constructor(context) {
    this.context = context;
  }

  find(cellId) {
    const { cells } = this.context.model;
    for (let index = 0; index < cells.length; index++) {
      if (cells.get(index).id === cellId) return { index, model: cells.get(index) };
    }
    return null;
  }

  // The notebooks of the page that show this file; each may be open twice.
  roots() {
    const all = [...document.querySelectorAll(".jp-Notebook")];
    const named = all.filter((root) => {
      const panel = root.closest(".jp-NotebookPanel")?.id;
      const tab = panel && document.querySelector(`.lm-TabBar-tab[data-id="${CSS.escape(panel)}"]`);
      return tab?.title?.split("\n").some((line) => line.endsWith(` ${this.context.localPath}`));
    });
    return named.length ? named : all.length === 1 ? all : [];
  }

  areas(cellId) {
    const index = this.find(cellId)?.index;
    if (index === undefined) return [];
    return this.roots().flatMap((root) => {
      const marked = root.querySelector(`.jp-Cell[data-windowed-list-index="${index}"]`);
      const isMarked = root.querySelector(".jp-Cell[data-windowed-list-index]");
      const cell = marked ?? (isMarked ? null : root.querySelectorAll(".jp-Cell")[index]);
      const area = cell?.querySelector(".jp-Cell-outputWrapper .jp-OutputArea");
      return area ? [area] : [];
    });
  }
}

// Outputs of answers, in the model of a cell: what is written there is saved.

function ownerOf(output) {
  const own = output.metadata?.cellmage ?? {};
  return own.id ?? own.below;
}

function partOf(output) {
  const own = output.metadata.cellmage;
  return own.below ? NOTES : own.part === "reasoning" ? -1 : own.part ?? 0;
}

// Whether a cell shows the end of an answer: a page that was loaded anew meanwhile does not.
function hasEnd({ outputs }, id) {
  for (let index = 0; index < outputs.length; index++) {
    const own = outputs.get(index).metadata?.cellmage;
    if (own?.id === id && ("of" in own || own.again)) return true;
  }
  return false;
}

// Put parts of an answer in place of what is there of it, and of the answers that it replaces.
function writeParts(cell, { id, drop, after, parts }) {
  const { outputs } = cell;
  const list = outputs.toJSON();
  const isOwn = (output) => ownerOf(output) === id && !drop.includes(id);
  const own = new Map(list.filter(isOwn).map((output) => [partOf(output), output]));
  for (const [part, output] of parts) {
    if (output) own.set(part, output);
    else own.delete(part);
  }
  const mine = [...own].sort(([a], [b]) => a - b).map(([, output]) => output);
  const isGone = (output) => isOwn(output) || drop.includes(ownerOf(output));
  const first = list.findIndex(isGone);
  const last = list.findLastIndex((output) => after.includes(ownerOf(output)));
  const start = first >= 0 ? first : last >= 0 ? last + 1 : list.length;
  const before = list.slice(0, start).filter((output) => !isGone(output));
  const behind = list.slice(start).filter((output) => !isGone(output));
  replaceOutputs(outputs, list, [...before, ...mine, ...behind]);
  trimSaved(cell);
}

// Change only what differs: an output that stays keeps its place and its height.
function replaceOutputs(outputs, old, list) {
  for (let index = 0; index < list.length; index++) {
    if (index >= old.length) outputs.add(list[index]);
    else if (old[index] !== list[index]) outputs.set(index, list[index]);
  }
  if (old.length > list.length && !outputs.remove) outputs.fromJSON(list);
  while (outputs.length > list.length) outputs.remove(outputs.length - 1);
}

// JupyterLab (4.6) leaves removed outputs in the model that it saves.
function trimSaved({ outputs, sharedModel }) {
  const count = sharedModel.outputs.length;
  if (count > outputs.length) sharedModel.updateOutputs(outputs.length, count, [], "silent-change");
}
