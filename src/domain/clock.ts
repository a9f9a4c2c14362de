/** The present moment. Everything that depends on time is given one, so that tests can move it. */
export type Clock = () => Date;
