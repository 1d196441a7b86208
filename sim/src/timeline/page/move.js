// Moves and zooms.

let due = false;
function redraw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; draw(); });
}

function clampView() {
  const least = Math.min(16, (chart.clientHeight - HEAD - 8) / layout.total);
  view.zoom = Math.max(least * 0.9, Math.min(view.zoom, wish.byOrder ? 60 : 20000));
  const spare = Math.min(2, pageHeight() * 0.1);
  view.top = Math.max(-spare, Math.min(view.top, Math.max(-spare, layout.total - pageHeight() + spare)));
}

function pan(rows) { view.top += rows; clampView(); redraw(); }

function zoom(by, at = chart.clientHeight / 2) {
  const under = view.top + (at - HEAD) / view.zoom;
  view.zoom *= by;
  clampView();
  view.top = under - (at - HEAD) / view.zoom;
  clampView();
  redraw();
}

function showAll() {
  view.zoom = (chart.clientHeight - HEAD - 16) / layout.total;
  if (wish.byOrder) view.zoom = Math.min(view.zoom, 26);
  view.top = 0;
  clampView();
  redraw();
}

// So that a height is where the reader looks, at a zoom at which labels can be read.
function goTo(y, share) {
  const least = wish.byOrder ? 14 : 2;
  if (view.zoom < least) view.zoom = wish.byOrder ? 16 : 8;
  clampView();
  view.top = y - pageHeight() * share;
  clampView();
  redraw();
}

function goToFailure() {
  if (broken) goTo(timeY(broken.at, true), 0.9);
}

function arrangeAgain() {
  const middle = timeAt(view.top + pageHeight() / 2);
  const readable = wish.byOrder === layout.wasByOrder;
  layout.wasByOrder = wish.byOrder;
  arrange();
  if (!readable) view.zoom = wish.byOrder ? 16 : Math.max(view.zoom, (chart.clientHeight - HEAD) / layout.total);
  view.top = timeY(middle) - pageHeight() / 2;
  clampView();
  const shown = layout.arrows.reduce((sum, arrow) => sum + arrow.members.length, 0);
  byId('shown').textContent = shown === data.messages.length
    ? `${shown} messages` : `${shown} of ${data.messages.length} messages`;
  byId('mode').textContent = wish.byOrder ? 'Time: by order' : 'Time: to scale';
  redraw();
}
