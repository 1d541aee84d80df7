const systemMessages: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EFBIG: 'File too large',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
};

/** A system error (or its code alone) in the C library's words. */
export function systemMessage(error: unknown): string {
  const code = typeof error === 'string' ? error : (error as { code?: string }).code;
  return (
    (code !== undefined ? systemMessages[code] : undefined) ?? (error instanceof Error ? error.message : String(error))
  );
}
