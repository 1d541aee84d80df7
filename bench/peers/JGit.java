import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.eclipse.jgit.api.*;
import org.eclipse.jgit.diff.*;
import org.eclipse.jgit.internal.storage.file.*;
import org.eclipse.jgit.lib.*;
import org.eclipse.jgit.revwalk.*;
import org.eclipse.jgit.treewalk.*;
import org.eclipse.jgit.treewalk.filter.TreeFilter;

/** The same workloads in JGit: java JGit WORKLOAD FOLDER ARGUMENTS */
public class JGit {
  static Repository open(String dir) throws IOException {
    File git = new File(dir, ".git");
    return new FileRepository(git.isDirectory() ? git : new File(dir));
  }

  static void raw(Repository repo, ObjectReader reader, RevCommit old, RevCommit now, PrintStream out, boolean ids)
      throws IOException {
    TreeWalk walk = new TreeWalk(repo, reader);
    walk.setRecursive(true);
    walk.setFilter(TreeFilter.ANY_DIFF);
    if (old == null) walk.addTree(new EmptyTreeIterator());
    else walk.addTree(old.getTree());
    walk.addTree(now.getTree());
    while (walk.next()) {
      int a = walk.getRawMode(0);
      int b = walk.getRawMode(1);
      String letter = a == 0 ? "A" : b == 0 ? "D" : (a & 0170000) != (b & 0170000) ? "T" : "M";
      if (ids) out.print(walk.getObjectId(0).name() + " " + walk.getObjectId(1).name() + " ");
      out.print(letter + "\t" + walk.getPathString() + "\n");
    }
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
    String dir = args[1];
    switch (args[0]) {
      case "clone": {
        Git.cloneRepository().setURI(dir).setDirectory(new File(args[2])).call().close();
        break;
      }
      case "start": {
        try (Repository repo = open(dir)) {
          out.print(repo.resolve("HEAD").name() + "\n");
        }
        break;
      }
      case "log": case "count": {
        try (Repository repo = open(dir); RevWalk walk = new RevWalk(repo)) {
          walk.markStart(walk.parseCommit(repo.resolve("HEAD")));
          if (args[0].equals("count")) walk.setRetainBody(false);
          int count = 0;
          for (RevCommit commit : walk) {
            count++;
            if (args[0].equals("log")) {
              out.print(commit.name() + "\n" + commit.getAuthorIdent().getName() + "\n" + commit.getFullMessage() + "\n");
            }
          }
          if (args[0].equals("count")) out.print(count + "\n");
        }
        break;
      }
      case "get": {
        try (Repository repo = open(dir); RevWalk walk = new RevWalk(repo); ObjectReader reader = repo.newObjectReader()) {
          RevTree tree = walk.parseCommit(repo.resolve("HEAD")).getTree();
          long bytes = 0;
          for (String path : Files.readAllLines(Path.of(args[2]))) {
            TreeWalk found = TreeWalk.forPath(reader, path, tree);
            bytes += reader.open(found.getObjectId(0)).getCachedBytes(1 << 30).length;
          }
          out.print(bytes + "\n");
        }
        break;
      }
      case "status": {
        try (Repository repo = open(dir); Git git = new Git(repo)) {
          Status status = git.status().call();
          out.print(status.getUncommittedChanges().size() + status.getUntracked().size() + "\n");
        }
        break;
      }
      case "diff": {
        try (Repository repo = open(dir); RevWalk walk = new RevWalk(repo); ObjectReader reader = repo.newObjectReader()) {
          raw(repo, reader, walk.parseCommit(repo.resolve(args[2])), walk.parseCommit(repo.resolve(args[3])), out, false);
        }
        break;
      }
      case "raw": {
        try (Repository repo = open(dir); RevWalk walk = new RevWalk(repo); ObjectReader reader = repo.newObjectReader()) {
          walk.markStart(walk.parseCommit(repo.resolve("HEAD")));
          int left = Integer.parseInt(args[2]);
          for (RevCommit commit : walk) {
            if (left-- == 0) break;
            out.print(commit.name() + "\n");
            if (commit.getParentCount() > 1) continue;
            RevCommit parent = null;
            if (commit.getParentCount() == 1) {
              parent = commit.getParent(0);
              walk.parseHeaders(parent);
            }
            raw(repo, reader, parent, commit, out, true);
          }
        }
        break;
      }
      case "index-pack": {
        try (Repository repo = open(dir); ObjectInserter inserter = repo.newObjectInserter();
            InputStream in = new BufferedInputStream(new FileInputStream(args[2]), 1 << 16)) {
          inserter.newPackParser(in).parse(NullProgressMonitor.INSTANCE);
          inserter.flush();
        }
        break;
      }
      case "checkout": {
        try (Repository repo = open(dir); Git git = new Git(repo)) {
          git.reset().setMode(ResetCommand.ResetType.HARD).setRef("HEAD").call();
        }
        break;
      }
      case "add": {
        try (Repository repo = open(dir); Git git = new Git(repo)) {
          git.add().addFilepattern(".").call();
        }
        break;
      }
      case "repack": {
        try (FileRepository repo = (FileRepository) open(dir)) {
          GC gc = new GC(repo);
          gc.setExpireAgeMillis(0);
          gc.setPackExpireAgeMillis(0);
          gc.repack();
          gc.prunePacked();
        }
        break;
      }
      case "put": {
        new File(dir).mkdirs();
        try (FileRepository repo = new FileRepository(new File(dir))) {
          repo.create(true);
          PersonIdent who = new PersonIdent("A", "a@b", 1700000000000L, 0);
          org.eclipse.jgit.dircache.DirCache index = org.eclipse.jgit.dircache.DirCache.newInCore();
          ObjectId parent = null;
          for (int i = 0; i < Integer.parseInt(args[2]); i++) {
            try (ObjectInserter inserter = repo.newObjectInserter()) {
              StringBuilder text = new StringBuilder("value " + i + " ");
              while (text.length() < 100) text.append('x');
              byte[] value = text.toString().getBytes(StandardCharsets.UTF_8);
              final ObjectId blob = inserter.insert(Constants.OBJ_BLOB, value);
              org.eclipse.jgit.dircache.DirCacheEditor editor = index.editor();
              editor.add(new org.eclipse.jgit.dircache.DirCacheEditor.PathEdit("d" + i % 10 + "/k" + i % 100) {
                @Override public void apply(org.eclipse.jgit.dircache.DirCacheEntry entry) {
                  entry.setFileMode(FileMode.REGULAR_FILE);
                  entry.setObjectId(blob);
                }
              });
              editor.finish();
              CommitBuilder commit = new CommitBuilder();
              commit.setTreeId(index.writeTree(inserter));
              if (parent != null) commit.setParentId(parent);
              commit.setAuthor(who);
              commit.setCommitter(who);
              commit.setMessage("put");
              parent = inserter.insert(commit);
              inserter.flush();
              RefUpdate update = repo.updateRef("refs/heads/main");
              update.setNewObjectId(parent);
              update.update();
            }
          }
        }
        break;
      }
      default:
        throw new IllegalArgumentException(args[0]);
    }
    out.flush();
  }
}
