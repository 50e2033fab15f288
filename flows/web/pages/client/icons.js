/** Line pictures for buttons; the words beside them carry the meaning. */

import { drawing, svg } from "./draw.js";

const PATHS = {
  rate: "M4 17V14M9.3 17V11M14.7 17V8M20 17V5",
  picture: "M4 5H20V19H4ZM4 15L9 10L13 14L16 11L20 15M15.5 8.4H15.6",
  sound: "M4 10V14H7.5L12 18V6L7.5 10ZM15.5 9.5C17 11 17 13 15.5 14.5M18 7C21 10 21 14 18 17",
  pause: "M9 6V18M15 6V18",
  stop: "M7 7H17V17H7Z",
  tide: "M3 14C6 11 9 11 12 14S18 17 21 14M3 19C6 16 9 16 12 19S18 22 21 19M12 10V3L17 9H12",
  light: "M8 4H16L19 12H5ZM12 12V20M8 20H16",
  lantern: "M8 4H16M8 4C5 9 5 13 8 18H16C19 13 19 9 16 4M10 21H14",
  garden: "M12 21V9M12 13C8 13 6 11 5 7C9 7 12 9 12 13M12 11C12 7 15 5 19 5C19 9 16 11 12 11",
  tone: "M9 18V6L18 4V16M9 18A2.5 2.5 0 1 1 6.5 15.5A2.5 2.5 0 0 1 9 18M18 16A2.5 2.5 0 1 1 15.5 13.5A2.5 2.5 0 0 1 18 16",
  noise: "M3 8C6 5 9 5 12 8S18 11 21 8M3 13C6 10 9 10 12 13S18 16 21 13M3 18C6 15 9 15 12 18S18 21 21 18",
};

export function icon(name) {
  return drawing(24, 24, { class: "icon" }, svg("path", { d: PATHS[name] }));
}
