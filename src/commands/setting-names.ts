/** Every variable of the configuration that is read here, by section: names as documentation spells them. */
const settings: Readonly<Record<string, string>> = {
  add: 'ignoreErrors',
  advice:
    'addEmbeddedRepo addEmptyPathspec addIgnoredFile amWorkDir ambiguousFetchRefspec ' +
    'checkoutAmbiguousRemoteBranchName commitBeforeMerge defaultBranchName detachedHead diverging ' +
    'fetchShowForcedUpdates forceDeleteBranch ignoredHook implicitIdentity mergeConflict nestedTag ' +
    'objectNameWarning pushAlreadyExists pushFetchFirst pushNeedsForce pushNonFFCurrent pushNonFFMatching ' +
    'pushNonFastForward pushRefNeedsUpdate pushUnqualifiedRefName pushUpdateRejected rebaseTodoError ' +
    'refSyntax resetNoRefresh resolveConflict rmHints sequencerInUse setUpstreamFailure skippedCherryPicks ' +
    'sparseIndexExpanded statusHints statusUoption submoduleAlternateErrorStrategyDie submoduleMergeConflict ' +
    'submodulesNotUpdated suggestDetachingHead updateSparsePath waitingForEditor worktreeAddOrphan',
  alias: '* *.command',
  attr: 'tree',
  author: 'email name',
  bitmapPseudoMerge:
    '<name>.decay <name>.maxMerges <name>.pattern <name>.sampleRate <name>.stableSize <name>.stableThreshold ' +
    '<name>.threshold',
  blame: 'blankBoundary coloring date ignoreRevsFile markIgnoredLines markUnblamableLines showEmail showRoot',
  branch:
    '<name>.description <name>.merge <name>.mergeOptions <name>.pushRemote <name>.rebase <name>.remote ' +
    'autoSetupMerge autoSetupRebase sort',
  browser: '<tool>.cmd <tool>.path',
  bundle: '* <id>.* <id>.uri heuristic mode version',
  checkout: 'defaultRemote guess workers',
  clean: 'requireForce',
  clone: 'defaultRemoteName rejectShallow',
  color:
    'advice advice.hint blame.highlightRecent blame.repeatedLines branch branch.current branch.local ' +
    'branch.plain branch.remote branch.reset branch.upstream branch.worktree decorate.HEAD decorate.branch ' +
    'decorate.grafted decorate.remoteBranch decorate.stash decorate.tag diff diff.commit diff.context ' +
    'diff.contextBold diff.contextDimmed diff.frag diff.func diff.meta diff.new diff.newBold diff.newDimmed ' +
    'diff.newMoved diff.newMovedAlternative diff.newMovedAlternativeDimmed diff.newMovedDimmed diff.old ' +
    'diff.oldBold diff.oldDimmed diff.oldMoved diff.oldMovedAlternative diff.oldMovedAlternativeDimmed ' +
    'diff.oldMovedDimmed diff.plain diff.whitespace grep grep.column grep.context grep.filename grep.function ' +
    'grep.lineNumber grep.match grep.matchContext grep.matchSelected grep.selected grep.separator interactive ' +
    'interactive.error interactive.header interactive.help interactive.plain interactive.prompt ' +
    'interactive.reset pager push push.error remote remote.error remote.hint remote.success remote.warning ' +
    'status status.added status.branch status.changed status.header status.localBranch status.noBranch ' +
    'status.remoteBranch status.unmerged status.untracked status.updated ui',
  column: 'branch clean status tag ui',
  commit: 'cleanup gpgSign status template verbose',
  commitGraph: 'changedPaths changedPathsVersion generationVersion maxNewFilters readChangedPaths',
  committer: 'email name',
  completion: 'commands',
  core:
    'abbrev alternateRefsCommand alternateRefsPrefixes askPass attributesFile autocrlf bare bigFileThreshold ' +
    'checkRoundtripEncoding checkStat commentChar commentString commitGraph compression createObject ' +
    'deltaBaseCacheLimit editor eol excludesFile fileMode filesRefLockTimeout fsync fsyncMethod ' +
    'fsyncObjectFiles gitProxy hooksPath ignoreCase ignoreStat lockfilePid logAllRefUpdates looseCompression ' +
    'maxTreeDepth multiPackIndex notesRef packedGitLimit packedGitWindowSize packedRefsTimeout pager ' +
    'precomposeUnicode preferSymlinkRefs protectHFS protectNTFS quotePath repositoryFormatVersion safecrlf ' +
    'sharedRepository sparseCheckout sparseCheckoutCone splitIndex sshCommand symlinks trustctime ' +
    'untrackedCache useReplaceRefs warnAmbiguousRefs whitespace worktree',
  credential: '<url>.* helper interactive protectProtocol useHttpPath username',
  diff:
    '<driver>.binary <driver>.command <driver>.textconv <driver>.trustExitCode <driver>.wordRegex ' +
    '<driver>.xfuncname algorithm colorMoved colorMovedWS context dirstat dstPrefix external ignoreSubmodules ' +
    'indentHeuristic interHunkContext mnemonicPrefix noPrefix orderFile relative renameLimit renames ' +
    'srcPrefix statGraphWidth statNameWidth submodule suppressBlankEmpty trustExitCode wordRegex ' +
    'wsErrorHighlight',
  extensions: '*',
  fastimport: 'unpackLimit',
  feature: '* experimental manyFiles',
  fetch:
    'all bundleCreationToken bundleURI fsck.<msg-id> fsck.skipList fsckObjects negotiationAlgorithm output ' +
    'parallel prune pruneTags showForcedUpdates unpackLimit writeCommitGraph',
  filter: '<driver>.clean <driver>.smudge',
  format: 'encodeEmailHeaders pretty to',
  fsck:
    'badDate badDateOverflow badEmail badFilemode badGpgsig badHeadTarget badHeaderContinuation badName ' +
    'badObjectSha1 badPackedRefEntry badPackedRefHeader badParentSha1 badRefContent badRefFiletype badRefName ' +
    'badRefOid badReferentName badReftableTableName badTagName badTimezone badTree badTreeSha1 badType ' +
    'duplicateEntries emptyName emptyPackedRefsFile extraHeaderEntry fullPathname gitattributesBlob ' +
    'gitattributesLarge gitattributesLineLength gitattributesMissing gitattributesSymlink gitignoreSymlink ' +
    'gitmodulesBlob gitmodulesLarge gitmodulesMissing gitmodulesName gitmodulesParse gitmodulesPath ' +
    'gitmodulesSymlink gitmodulesUpdate gitmodulesUrl hasDot hasDotdot hasDotgit largePathname mailmapSymlink ' +
    'missingAuthor missingCommitter missingEmail missingNameBeforeEmail missingObject missingSpaceBeforeDate ' +
    'missingSpaceBeforeEmail missingTag missingTagEntry missingTaggerEntry missingTree missingType ' +
    'missingTypeEntry multipleAuthors nulInCommit nulInHeader nullSha1 packedRefEntryNotTerminated ' +
    'packedRefUnsorted refMissingNewline skipList symlinkRef symrefTargetIsNotARef trailingRefContent ' +
    'treeNotSorted unknownType unterminatedHeader zeroPaddedDate zeroPaddedFilemode',
  gc:
    '<pattern>.reflogExpire <pattern>.reflogExpireUnreachable aggressiveDepth aggressiveWindow auto ' +
    'autoDetach autoPackLimit bigPackThreshold cruftPacks logExpiry maxCruftSize packRefs pruneExpire ' +
    'reflogExpire reflogExpireUnreachable repackFilter repackFilterTo worktreePruneExpire writeCommitGraph',
  gpg:
    '<format>.program format minTrustLevel program ssh.allowedSignersFile ssh.defaultKeyCommand ' +
    'ssh.revocationFile',
  grep: 'column extendedRegexp fallbackToNoIndex fullName lineNumber patternType threads',
  'hasconfig:remote': '*.url',
  help: 'autoCorrect browser format htmlPath',
  hook:
    '<event>.enabled <event>.jobs <friendly-name>.command <friendly-name>.enabled <friendly-name>.event ' +
    '<friendly-name>.parallel jobs',
  http:
    '<url>.* cookieFile extraHeader followRedirects lowSpeedTime postBuffer proxy sslCAInfo sslCert sslKey ' +
    'sslVerify userAgent version',
  i18n: 'commitEncoding logOutputEncoding',
  include: 'path',
  includeIf: '<condition>.path',
  index: 'recordEndOfIndexEntries recordOffsetTable skipHash sparse threads version',
  init: 'defaultBranch defaultObjectFormat defaultRefFormat templateDir',
  interactive: 'diffFilter singleKey',
  log:
    'abbrevCommit date decorate diffMerges excludeDecoration follow graphColors initialDecorationSet mailmap ' +
    'showRoot showSignature',
  lsrefs: 'unborn',
  mailmap: 'blob file',
  maintenance:
    '<task>.enabled <task>.schedule auto autoDetach commit-graph.auto geometric-repack.auto ' +
    'geometric-repack.splitFactor incremental-repack.auto loose-objects.auto loose-objects.batchSize ' +
    'reflog-expire.auto rerere-gc.auto strategy worktree-prune.auto',
  man: '<tool>.cmd <tool>.path viewer',
  merge:
    '<driver>.driver <driver>.name <driver>.recursive autoStash branchdesc conflictStyle defaultToUpstream ' +
    'directoryRenames ff log renameLimit renames renormalize stat suppressDest verbosity verifySignatures',
  notes: '<name>.mergeStrategy displayRef mergeStrategy rewrite.<command> rewriteMode rewriteRef',
  pack:
    'allowPackReuse compression deltaCacheSize depth indexVersion island packSizeLimit preferBitmapTips ' +
    'threads useBitmaps window windowMemory writeBitmapHashCache writeBitmapLookupTable writeReverseIndex',
  pager: '<cmd>',
  pretty: '<name>',
  protocol: '<name>.allow allow version',
  pull: 'autoStash ff octopus rebase twohead',
  push: 'autoSetupRemote default followTags gpgSign negotiate pushOption useForceIfIncludes',
  rebase: 'autoStash',
  receive:
    'advertiseAtomic advertisePushOptions autogc certNonceSeed certNonceSlop denyCurrentBranch ' +
    'denyDeleteCurrent denyDeletes denyNonFastForwards fsck.badDate fsck.badDateOverflow fsck.badEmail ' +
    'fsck.badFilemode fsck.badGpgsig fsck.badHeadTarget fsck.badHeaderContinuation fsck.badName ' +
    'fsck.badObjectSha1 fsck.badPackedRefEntry fsck.badPackedRefHeader fsck.badParentSha1 fsck.badRefContent ' +
    'fsck.badRefFiletype fsck.badRefName fsck.badRefOid fsck.badReferentName fsck.badReftableTableName ' +
    'fsck.badTagName fsck.badTimezone fsck.badTree fsck.badTreeSha1 fsck.badType fsck.duplicateEntries ' +
    'fsck.emptyName fsck.emptyPackedRefsFile fsck.extraHeaderEntry fsck.fullPathname fsck.gitattributesBlob ' +
    'fsck.gitattributesLarge fsck.gitattributesLineLength fsck.gitattributesMissing fsck.gitattributesSymlink ' +
    'fsck.gitignoreSymlink fsck.gitmodulesBlob fsck.gitmodulesLarge fsck.gitmodulesMissing ' +
    'fsck.gitmodulesName fsck.gitmodulesParse fsck.gitmodulesPath fsck.gitmodulesSymlink ' +
    'fsck.gitmodulesUpdate fsck.gitmodulesUrl fsck.hasDot fsck.hasDotdot fsck.hasDotgit fsck.largePathname ' +
    'fsck.mailmapSymlink fsck.missingAuthor fsck.missingCommitter fsck.missingEmail ' +
    'fsck.missingNameBeforeEmail fsck.missingObject fsck.missingSpaceBeforeDate fsck.missingSpaceBeforeEmail ' +
    'fsck.missingTag fsck.missingTagEntry fsck.missingTaggerEntry fsck.missingTree fsck.missingType ' +
    'fsck.missingTypeEntry fsck.multipleAuthors fsck.nulInCommit fsck.nulInHeader fsck.nullSha1 ' +
    'fsck.packedRefEntryNotTerminated fsck.packedRefUnsorted fsck.refMissingNewline fsck.skipList ' +
    'fsck.symlinkRef fsck.symrefTargetIsNotARef fsck.trailingRefContent fsck.treeNotSorted fsck.unknownType ' +
    'fsck.unterminatedHeader fsck.zeroPaddedDate fsck.zeroPaddedFilemode fsckObjects hideRefs maxInputSize ' +
    'procReceiveRefs shallowUpdate unpackLimit updateServerInfo',
  remote:
    '<name>.fetch <name>.followRemoteHEAD <name>.mirror <name>.negotiationInclude <name>.negotiationRestrict ' +
    '<name>.partialclonefilter <name>.promisor <name>.proxy <name>.prune <name>.pruneTags <name>.push ' +
    '<name>.pushurl <name>.receivepack <name>.serverOption <name>.skipDefaultUpdate <name>.skipFetchAll ' +
    '<name>.tagOpt <name>.uploadpack <name>.url <name>.vcs pushDefault',
  remotes: '<group>',
  repack:
    'midxNewLayerThreshold midxSplitFactor packKeptObjects updateServerInfo useDeltaBaseOffset ' +
    'useDeltaIslands writeBitmaps',
  revert: 'reference',
  safe: 'bareRepository directory',
  sequence: 'editor',
  showBranch: 'default',
  sideband: '<url>.* allowControlCharacters',
  sparse: 'expectFilesOutsideOfPatterns',
  splitIndex: 'maxPercentChange sharedIndexExpire',
  ssh: 'variant',
  stash: 'index showIncludeUntracked showPatch showStat',
  status:
    'aheadBehind branch compareBranches displayCommentPrefix relativePaths renameLimit renames short ' +
    'showStash showUntrackedFiles submoduleSummary',
  submodule: '<name>.branch <name>.ignore <name>.update <name>.url propagateBranches recurse',
  tag: 'forceSignAnnotated gpgSign sort',
  trailer:
    '<key-alias>.cmd <key-alias>.command <key-alias>.ifexists <key-alias>.ifmissing <key-alias>.key ' +
    '<key-alias>.where ifexists ifmissing separators where',
  transfer: 'advertiseObjectInfo advertiseSID bundleURI credentialsInUrl fsckObjects hideRefs unpackLimit',
  uploadpack:
    'allowAnySHA1InWant allowFilter allowReachableSHA1InWant allowRefInWant allowTipSHA1InWant hideRefs ' +
    'keepAlive packObjectsHook',
  uploadpackfilter: '<filter>.allow allow tree.maxDepth',
  url: '<base>.insteadOf <base>.pushInsteadOf',
  user: 'email name signingKey useConfigOnly',
  versionsort: 'suffix',
  web: 'browser',
  worktree: 'guessRemote useRelativePaths',
};

/** `help -c`: all of them, in the order of the documentation's list. */
export function settingNames(): string[] {
  return Object.entries(settings).flatMap(([section, names]) => names.split(' ').map((name) => `${section}.${name}`));
}

/** What can be completed: a name with a part to be filled in ends before it. */
export const completionNames = (): string[] => [...new Set(settingNames().map((name) => name.replace(/[<*].*$/, '')))];

export const completionSections = (): string[] => [...new Set(settingNames().map((name) => name.replace(/\..*$/, '')))];
