const MAX_ERROR_CHARACTERS = 2000;

/** A vendor's words as PostgreSQL takes them. */
export function storable(message: string): string {
  return message.replaceAll('\0', '').toWellFormed().slice(0, MAX_ERROR_CHARACTERS);
}
