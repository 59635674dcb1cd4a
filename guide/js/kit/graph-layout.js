// Where the nodes of a graph without circles come to lie. No DOM.

/**
 * @typedef {object} LayoutNode
 * @property {number | string} id
 * @property {number} [layer] fixes the layer; else a leaf stands just before what is made of it
 */
/** @typedef {{from: number | string, to: number | string}} LayoutEdge */
/**
 * @typedef {{id: number | string, layer: number, place: number}} Placed place: middle of its row,
 *   in nodes
 */

/**
 * Layers by the longest way from a leaf, leaves as near to their use as they can, and an order
 * within each layer that keeps edges short (mean of the neighbours' places, some sweeps).
 * @param {LayoutNode[]} nodes children before parents
 * @param {LayoutEdge[]} edges
 * @returns {{placed: Placed[], bends: Placed[][], layers: number, widest: number}} bends of each
 *   edge
 */
export function layOut(nodes, edges) {
  /** @type {Map<number | string, (number | string)[]>} */
  const into = new Map(nodes.map(({ id }) => [id, []]));
  /** @type {Map<number | string, (number | string)[]>} */
  const outOf = new Map(nodes.map(({ id }) => [id, []]));
  for (const { from, to } of edges) {
    into.get(to)?.push(from);
    outOf.get(from)?.push(to);
  }
  /** @type {Map<number | string, number>} */
  const layer = new Map();
  for (const { id, layer: fixed } of nodes) {
    const below = (into.get(id) ?? []).map((child) => layer.get(child) ?? 0);
    layer.set(id, fixed ?? (below.length ? Math.max(...below) + 1 : 0));
  }
  for (const { id, layer: fixed } of [...nodes].reverse()) {
    const uses = (outOf.get(id) ?? []).map((parent) => layer.get(parent) ?? 0);
    if (fixed === undefined && !into.get(id)?.length && uses.length)
      layer.set(id, Math.max(0, Math.min(...uses) - 1));
  }
  const count = Math.max(0, ...layer.values()) + 1;
  // An edge over several layers gets a place in each, so that it passes between nodes.
  const all = nodes.map(({ id }) => id);
  const bendIds = edges.map(({ from, to }, e) => {
    const [low, high] = [layer.get(from) ?? 0, layer.get(to) ?? 0];
    const between = Array.from({ length: Math.max(0, high - low - 1) }, (_, i) => `bend ${e} ${i}`);
    if (!between.length) return between;
    const chain = [from, ...between, to];
    between.forEach((id, i) => {
      layer.set(id, low + 1 + i);
      into.set(id, [chain[i]]);
      outOf.set(id, [chain[i + 2]]);
      all.push(id);
    });
    swap(outOf.get(from), to, between[0]);
    swap(into.get(to), from, between[between.length - 1]);
    return between;
  });
  const rows = Array.from({ length: nodes.length ? count : 0 }, (_, l) =>
    all.filter((id) => layer.get(id) === l),
  );
  /** @type {Map<number | string, number>} */
  const place = new Map();
  const spread = (/** @type {(number | string)[]} */ row) =>
    row.forEach((id, i) => place.set(id, i - (row.length - 1) / 2));
  rows.forEach(spread);
  for (let sweep = 0; sweep < 8; sweep++) {
    const [order, near] = sweep % 2 ? [[...rows].reverse(), outOf] : [rows, into];
    for (const row of order) {
      const mean = new Map(
        row.map((id) => {
          const others = (near.get(id) ?? []).map((other) => place.get(other) ?? 0);
          return [
            id,
            others.length
              ? others.reduce((x, y) => x + y, 0) / others.length
              : (place.get(id) ?? 0),
          ];
        }),
      );
      row.sort((x, y) => Number(mean.get(x)) - Number(mean.get(y)));
      spread(row);
    }
  }
  const spot = (/** @type {number | string} */ id) => ({
    id,
    layer: layer.get(id) ?? 0,
    place: place.get(id) ?? 0,
  });
  const widest = Math.max(0, ...rows.map((row) => row.length));
  return {
    placed: nodes.map(({ id }) => spot(id)),
    bends: bendIds.map((ids) => ids.map(spot)),
    layers: rows.length,
    widest,
  };
}

/**
 * @param {(number | string)[] | undefined} list
 * @param {number | string} old
 * @param {number | string} fresh
 */
function swap(list, old, fresh) {
  const at = list?.indexOf(old) ?? -1;
  if (list && at >= 0) list[at] = fresh;
}
