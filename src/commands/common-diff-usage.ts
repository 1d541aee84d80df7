/** What `-h` of the plumbing diffs says of the options that all diffs have. */
export const commonDiffUsage = `common diff options:
  -z            end raw lines with NUL
  -p            show patches
  -u            the same as -p
  --patch-with-raw
                show patches after the raw lines
  --stat        show how many lines changed in each file
  --numstat     the same in numbers for programs
  --patch-with-stat
                show patches after those
  --name-only   show names of changed files only
  --name-status show names with a letter for the kind of change
  --full-index  show full object names in patches
  --abbrev=<n>  shorten object names in raw lines and headers
  -R            swap the two sides
  -B            show complete rewrites as such
  -M            find renames
  -C            find copies
  --find-copies-harder
                look for copies of unchanged files too
  -l<n>         compare at most so many names for renames
  -O<file>      order files as the patterns in <file> say
  -S<string>    show changes that add or remove the string
  --pickaxe-all
                show the whole change where -S finds something in it
  -a  --text    take all files for text
`;
