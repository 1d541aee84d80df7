/** Marks of a revision walk, on `CommitNode.flags`. */
export const SEEN = 1 << 0;
export const UNINTERESTING = 1 << 1;
/** No change on the limiting paths, against what counts as its parents. */
export const TREESAME = 1 << 2;
export const SHOWN = 1 << 3;
/** Its parents are in the walk. */
export const ADDED = 1 << 4;
export const BOUNDARY = 1 << 5;
export const CHILD_SHOWN = 1 << 6;
export const SYMMETRIC_LEFT = 1 << 7;
/** The other side of `A...B` has a commit with the same change. */
export const PATCHSAME = 1 << 8;
/** Named on the command line as the end (`^A`, the A of `A..B`). */
export const BOTTOM = 1 << 9;
/** Scratch; always cleared by whoever sets it. */
export const TMP_MARK = 1 << 10;
export const ANCESTRY_PATH = 1 << 11;
/** A merge that differs from its first parent. */
export const PULL_MERGE = 1 << 12;
/** Came into the walk as somebody's parent. */
export const NOT_USER_GIVEN = 1 << 13;
/** Follows the commit printed before it (`--show-linear-break`). */
export const TRACK_LINEAR = 1 << 14;
/** Named on the command line as given, not through another commit. */
export const USER_GIVEN = 1 << 15;
