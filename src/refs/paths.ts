import { placeOfRef } from './name.js';

/** Which file holds a ref or its log: shared refs in the common folder, a work tree's own in its git folder. */
export class RefPaths {
  readonly gitDir: string;
  readonly commonDir: string;

  constructor(gitDir: string, commonDir: string) {
    this.gitDir = gitDir;
    this.commonDir = commonDir;
  }

  ref(name: string): string {
    const place = placeOfRef(name);
    switch (place.kind) {
      case 'current':
        return `${this.gitDir}/${place.name}`;
      case 'other':
        return `${this.commonDir}/worktrees/${place.worktree}/${place.name}`;
      default:
        return `${this.commonDir}/${place.name}`;
    }
  }

  log(name: string): string {
    const place = placeOfRef(name);
    switch (place.kind) {
      case 'current':
        return `${this.gitDir}/logs/${place.name}`;
      case 'other':
        return `${this.commonDir}/worktrees/${place.worktree}/logs/${place.name}`;
      default:
        return `${this.commonDir}/logs/${place.name}`;
    }
  }
}
