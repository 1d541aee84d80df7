/** Who and when, as commits and tags hold it: `name <email> seconds zone`. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  /** Seconds since the epoch. */
  readonly seconds: number;
  /** The zone as written, `+0100`. */
  readonly zone: string;
  /** The line as stored, where it is not what these fields would be written as: odd old data is kept as it is. */
  readonly raw?: string | undefined;
}

/** Takes a signature line apart as leniently as git does; parts that are missing are empty, 0 and `+0000`. */
export function parseSignature(line: string): Signature {
  const signature = takeApart(line);
  return formatSignature(signature) === line ? signature : { ...signature, raw: line };
}

function takeApart(line: string): Signature {
  const open = line.indexOf('<');
  const close = line.indexOf('>', Math.max(0, open));
  if (open < 0 || close < 0) return { name: line.trim(), email: '', seconds: 0, zone: '+0000' };
  const name = line.slice(0, open).trim();
  const email = line.slice(open + 1, close);
  const last = line.lastIndexOf('>');
  const date = /^\s*(\d+)(?:\s+([+-]\d+))?/.exec(line.slice(last + 1));
  return { name, email, seconds: date === null ? 0 : Number(date[1]), zone: date?.[2] ?? '+0000' };
}

export const formatSignature = (signature: Signature): string =>
  signature.raw ?? `${signature.name} <${signature.email}> ${signature.seconds} ${signature.zone}`;
