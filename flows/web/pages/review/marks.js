/** What is marked of the recording, as the server has it: the later of marks that overlap holds. */

export const marks = { list: [], reviewed_s: 0, can_undo: false, can_redo: false };

/** Take over what the server says. */
export function takeMarks({ marks: list, reviewed_s, can_undo, can_redo }) {
  Object.assign(marks, { list, reviewed_s, can_undo, can_redo });
}

const SAME_S = 5e-4;

/** The marks of a stream that reach into a stretch, the later ones last. */
export function marksIn(stream, from_s, to_s) {
  return marks.list.filter((mark) => mark.stream === stream && mark.end_s >= from_s - SAME_S && mark.time_s <= to_s + SAME_S);
}

/** What holds at a moment, of marks from `marksIn`: "exclude", "keep" or null. */
export function holding(among, at_s) {
  const mark = among.findLast(({ time_s, end_s }) => time_s - SAME_S <= at_s && at_s <= end_s + SAME_S);
  return mark && mark.action !== "clear" ? mark.action : null;
}
