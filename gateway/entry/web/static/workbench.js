// The workbench: pointing at a value lights the fields it comes from, and the other way. A file
// that is dropped on the form is put into its field. Without this module links lead there.
const said = document.getElementById("lit");
const first = said?.textContent;
let lit = [];

function clear() {
  for (const row of lit) {
    delete row.dataset.lit;
    delete row.cells[0].dataset.badge;
  }
  lit = [];
}

// Only the other pane moves, never the page under the pointer: to the height of what is pointed at.
function show(row, from) {
  const pane = row?.closest(".scroll");
  if (!pane) return;
  const [inside, around] = [row.getBoundingClientRect(), pane.getBoundingClientRect()];
  const top = Math.max(around.top, 110), bottom = Math.min(around.bottom, innerHeight);
  if (inside.top >= top && inside.bottom <= bottom) return;
  const beside = from.closest(".scroll") !== pane && bottom > top;
  pane.scrollTop += inside.top - (beside ? from.getBoundingClientRect().top : around.top);
}

function light(row) {
  if (lit[0] === row) return;
  clear();
  const others = row.dataset.lights.split(" ").map((id) => document.getElementById(id)).filter(Boolean);
  lit = [row, ...others];
  lit.forEach((one, number) => {
    one.dataset.lit = number ? "other" : "this";
    one.cells[0].dataset.badge = number || "•";
  });
  show(others[0], row);
  const words = (row.dataset.say ? [row] : others).slice(0, 3).map((one) => one.dataset.say);
  if (said) said.textContent = words.filter(Boolean).join(" ") || said.dataset.none;
}

const rowOf = (event) => event.target.closest?.("[data-lights]");
for (const kind of ["pointerover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    const row = rowOf(event);
    if (row) light(row);
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !lit.length) return;
  clear();
  said.textContent = first;
});

const form = document.querySelector("[data-drop]");
for (const kind of ["dragenter", "dragover"]) {
  form?.addEventListener(kind, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    form.dataset.over = "";
  });
}
for (const kind of ["dragleave", "drop"]) form?.addEventListener(kind, () => delete form.dataset.over);
form?.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  const field = form.elements.file;
  field.files = event.dataTransfer.files;
  form.elements.text.value = "";
  field.focus();
});
