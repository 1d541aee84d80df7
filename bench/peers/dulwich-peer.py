# The same workloads in dulwich: python3 dulwich-peer.py WORKLOAD FOLDER ARGUMENTS
import sys

from dulwich import porcelain
from dulwich.objects import Blob
from dulwich.repo import Repo

workload, directory, *rest = sys.argv[1:]
repo = Repo(directory)
head = repo.head()


def out(text):
    sys.stdout.write(text)


if workload == "start":
    out(head.decode() + "\n")
elif workload == "count":
    out("%d\n" % sum(1 for _ in repo.get_walker(include=[head])))
elif workload == "log":
    for entry in repo.get_walker(include=[head]):
        commit = entry.commit
        out("%s\n%s\n%s\n" % (commit.id.decode(), commit.author.decode(errors="replace"), commit.message.decode(errors="replace")))
elif workload == "get":
    tree = repo[repo[head].tree]
    total = 0
    for path in open(rest[0], "rb").read().splitlines():
        _, sha = tree.lookup_path(repo.object_store.__getitem__, path)
        total += len(repo.object_store[sha].data)
    out("%d\n" % total)
elif workload == "status":
    status = porcelain.status(repo)
    out("%d\n" % (sum(len(names) for names in status.staged.values()) + len(status.unstaged) + len(status.untracked)))
elif workload == "checkout":
    porcelain.reset(repo, "hard", "HEAD")
elif workload == "add":
    porcelain.add(repo)
elif workload == "diff":
    from dulwich.diff_tree import tree_changes

    for change in tree_changes(repo.object_store, repo[rest[0].encode()].tree, repo[rest[1].encode()].tree):
        letter = {"add": "A", "delete": "D", "modify": "M"}[change.type]
        out("%s\t%s\n" % (letter, (change.new.path or change.old.path).decode()))
else:
    sys.exit("no such workload: " + workload)
