/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the program tells user space of each descriptor that holds a Unix socket.
 * crates/census/src/holders/record.rs reads the same layout; a test there compares the sizes.
 */
#ifndef SOCKEYE_HOLDERS_H
#define SOCKEYE_HOLDERS_H

#define COMM_BYTES 16

struct holder {
	unsigned long long socket_inode;
	unsigned int pid; /* thread group, as numbered in the first pid namespace */
	unsigned int fd;
	unsigned int uid; /* effective, as numbered in the first user namespace */
	unsigned int task_namespace; /* network namespace of the process */
	char comm[COMM_BYTES]; /* of the first thread */
};

#endif
