import { z } from 'zod';

/** A named schema of the OpenAPI document. The example of the whole also gives each property its example. */
export function component<Shape extends z.ZodRawShape>(
  id: string,
  description: string,
  shape: Shape,
  example: z.input<z.ZodObject<Shape>>,
) {
  return z.object(shape).meta({ id, description, examples: [example] });
}

/** The example of a component, to build the example of another one from it. */
export function exampleOf<Schema extends z.ZodType>(schema: Schema): z.input<Schema> {
  const [example] = (schema.meta()?.examples ?? []) as z.input<Schema>[];
  if (example === undefined) throw new Error('The schema has no example.');
  return example;
}

/**
 * A named enumeration with a sentence for each value. `Value` is the domain's own type, given explicitly, so that the
 * compiler reports a value that is missing or unknown here.
 */
export function enumeration<Value extends string = never>(
  id: string,
  description: string,
  meanings: Readonly<Record<NoInfer<Value>, string>>,
) {
  const values = Object.entries<string>(meanings);
  return z.enum(values.map(([value]) => value as Value)).meta({
    id,
    description: [`${description}\n`, ...values.map(([value, meaning]) => `- \`${value}\`: ${meaning}`)].join('\n'),
  });
}

/** An instant in RFC 3339, UTC, with milliseconds. */
export const instant = z.iso.datetime({ precision: 3 });

/** A count, or a number of seconds. */
export const wholeNumber = z.int().nonnegative();

/** An amount in the deployment's currency. Frontends of this API calculate with it, so it is a JSON number. */
export const cost = z.number();
