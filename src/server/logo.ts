/** An SVG: a ring, four fifths of it full. */
export const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke-width="4" aria-hidden="true">' +
  '<circle cx="12" cy="12" r="9" stroke="#c9cbd6"/><path d="M12 3A9 9 0 1 1 3.44 9.22" stroke="#d60590"/></svg>';

export const FAVICON = `data:image/svg+xml;base64,${btoa(LOGO)}`;
