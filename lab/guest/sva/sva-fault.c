/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Program of the lab's guest: page faults of pasid-testdev in its memory
 *
 * Copyright (c) qemu-vpasid contributors
 *
 * usage: sva-fault /dev/sva-ADDRESS WHAT [ARGUMENT]
 *
 *   fresh          pages that were never touched
 *   cow            a page that is shared with a child
 *   dontneed       pages that were given back by MADV_DONTNEED
 *   pageout        pages that were written to swap by MADV_PAGEOUT
 *   file FILE      pages of a file
 *   random HALF    500 pages at random; HALF 0 or 1 of the device's channels
 *   unmapped       an address that is not mapped, another that is read-only
 *   ats            a page that was never touched, by ATS
 *   late           a page that comes when the attribute `late` is written to
 *   nobody ADDRESS a request without PASID, to an address that nobody mapped
 *
 * Prints what came of each step, a line each. Exit status: 0 when it got to the
 * end, whatever came of the steps.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "pasid-sva.h"

#define SWAPPED_PAGES	8
#define RANDOM_PAGES	500
#define RANDOM_CHANNELS	(TESTDEV_CHANNELS / 2)
/* More than the slowest machine needs for a page that is at hand */
#define TIMEOUT_S	60
/* Of whole registers, which take accesses of 32 bits alone */
#define BYTES		24

/* Nothing answers at the registers, or the kernel has unmapped them */
#define GONE		"the device is gone"

static volatile uint32_t *registers;
static uint32_t pasid;
static long page;		/* its size in bytes */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static volatile uint32_t *channel(int n, int offset)
{
	return registers + (TESTDEV_CHANNEL(n) + offset) / 4;
}

static void begin(int n, uint32_t command, const void *address, uint32_t length)
{
	uint64_t at = (uintptr_t)address;

	*channel(n, TESTDEV_ADDR_LO) = at;
	*channel(n, TESTDEV_ADDR_HI) = at >> 32;
	*channel(n, TESTDEV_PASID) = pasid;
	*channel(n, TESTDEV_LENGTH) = length;
	__sync_synchronize();
	*channel(n, TESTDEV_COMMAND) = command;
}

static void set_data(int n, const void *data, int length)
{
	uint32_t word;

	for (int i = 0; i < length; i += 4) {
		memcpy(&word, (const char *)data + i, 4);
		*channel(n, TESTDEV_CHANNEL_DATA + i) = word;
	}
}

static void get_data(int n, void *data, int length)
{
	for (int i = 0; i < length; i += 4) {
		uint32_t word = *channel(n, TESTDEV_CHANNEL_DATA + i);

		memcpy((char *)data + i, &word, 4);
	}
}

static const char *name_of(uint32_t status)
{
	switch (status) {
	case TESTDEV_STATUS_OK:
		return "ok";
	case TESTDEV_STATUS_FAULT:
		return "fault";
	case TESTDEV_STATUS_CANCELLED:
		return "cancelled";
	case UINT32_MAX:
		return GONE;
	default:
		return "some other status";
	}
}

/* Without an answer there is no point in going on */
static const char *end(int n, int seconds)
{
	time_t limit = time(NULL) + seconds;
	uint32_t status;

	while ((status = *channel(n, TESTDEV_STATUS)) == TESTDEV_STATUS_BUSY) {
		if (time(NULL) > limit) {
			printf("channel %d: no answer within %d s\n", n,
			       seconds);
			exit(1);
		}
		usleep(100);
	}
	__sync_synchronize();
	return name_of(status);
}

/* Have the device read, and say what it found */
static void device_reads(const char *what, const void *address)
{
	static const char zeros[BYTES];
	char data[BYTES + 1] = "";
	const char *result;

	set_data(0, "what was there before", 20);
	begin(0, TESTDEV_COMMAND_READ, address, BYTES);
	result = end(0, TIMEOUT_S);
	if (!strcmp(result, "ok")) {
		get_data(0, data, BYTES);
		result = memcmp(data, zeros, BYTES) ? data : "zeros";
	}
	printf("%s: the device reads: %s\n", what, result);
}

/* Have it write, and say what the process finds then */
static void device_writes(const char *what, void *address)
{
	static const char text[BYTES] = "the device wrote this";
	const char *result;

	set_data(0, text, BYTES);
	begin(0, TESTDEV_COMMAND_WRITE, address, BYTES);
	result = end(0, TIMEOUT_S);
	printf("%s: the device writes: %s\n", what, result);
	if (!strcmp(result, "ok"))
		printf("%s: the process reads: %.*s\n", what, BYTES,
		       (char *)address);
}

static char *map(int pages)
{
	void *at = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

static void fresh(void)
{
	char *at = map(3);

	device_reads("never touched", at);
	device_writes("read before", at);
	device_writes("never touched", at + page);
	/* The end of a page that is there, and the start of one that is not */
	device_writes("across pages", at + 2 * page - BYTES / 2);
}

static void cow(void)
{
	char *at = map(1);
	int go[2], status;
	pid_t child;
	char c;

	strcpy(at, "before the fork");
	if (pipe(go))
		die("pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		close(go[1]);
		if (read(go[0], &c, 1) < 0)
			die("read");
		_exit(strcmp(at, "before the fork") ? 1 : 0);
	}
	device_writes("shared with a child", at);
	close(go[1]);
	if (waitpid(child, &status, 0) < 0)
		die("waitpid");
	printf("shared with a child: the child reads: %s\n",
	       status ? "something else" : "before the fork");
}

static void dontneed(void)
{
	char *at = map(1);

	strcpy(at, "a process wrote this");
	device_reads("there", at);
	if (madvise(at, page, MADV_DONTNEED))
		die("MADV_DONTNEED");
	device_reads("given back", at);
	device_writes("given back", at);
	if (madvise(at, page, MADV_DONTNEED))
		die("MADV_DONTNEED");
	device_writes("given back again", at);
}

/*
 * How many of its pages the process finds in swap: none but these. The kernel
 * may have some of them still at hand, but the process has to fault.
 */
static int swapped(void)
{
	char line[128];
	int kib = 0;
	FILE *file = fopen("/proc/self/status", "r");

	if (!file)
		die("status");
	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmSwap: %d", &kib);
	fclose(file);
	return kib / (page / 1024);
}

static void pageout(void)
{
	int tries = 100, in_swap;
	char *at = map(SWAPPED_PAGES);

	for (int i = 0; i < SWAPPED_PAGES; i++)
		sprintf(at + i * page, "page %d was in swap", i);
	do {
		if (madvise(at, SWAPPED_PAGES * page, MADV_PAGEOUT))
			die("MADV_PAGEOUT");
		in_swap = swapped();
	} while (in_swap < SWAPPED_PAGES && tries-- && !usleep(10000));
	printf("swapped out: %d pages\n", in_swap);
	device_reads("swapped out", at);
	device_reads("swapped out", at + (SWAPPED_PAGES - 1) * page);
	device_writes("swapped out", at + page);
}

static void file_pages(const char *name)
{
	int file = open(name, O_RDWR);
	char *at;

	if (file < 0)
		die(name);
	at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (at == MAP_FAILED)
		die("mmap");
	device_reads("page of a file", at);
	device_writes("page of a file", at + page);
	if (msync(at, 2 * page, MS_SYNC))
		die("msync");
}

/* Each page once, in an order of its own, by some channels at a time */
static void random_pages(int half)
{
	int first = half ? RANDOM_CHANNELS : 0, order[RANDOM_PAGES], bad = 0;
	char *at = map(RANDOM_PAGES);

	srandom(1 + half);
	for (int i = 0; i < RANDOM_PAGES; i++) {
		int j = random() % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (int i = 0; i < RANDOM_PAGES + RANDOM_CHANNELS; i++) {
		int n = first + i % RANDOM_CHANNELS;
		uint32_t stamp[2];

		if (i >= RANDOM_CHANNELS)
			bad += strcmp(end(n, TIMEOUT_S), "ok") != 0;
		if (i >= RANDOM_PAGES)
			continue;
		stamp[0] = order[i];
		stamp[1] = pasid;
		set_data(n, stamp, sizeof(stamp));
		begin(n, TESTDEV_COMMAND_WRITE, at + order[i] * page,
		      sizeof(stamp));
	}
	for (int i = 0; i < RANDOM_PAGES; i++) {
		uint32_t *stamp = (uint32_t *)(at + i * page);

		bad += stamp[0] != (uint32_t)i || stamp[1] != pasid;
	}
	printf("%d pages at random: %d wrong\n", RANDOM_PAGES, bad);
}

static void unmapped(void)
{
	char *at = map(3);

	memset(at, 0, page);
	if (munmap(at + page, page) ||
	    mprotect(at + 2 * page, page, PROT_READ))
		die("munmap");
	/* Of two requests at a time one must not end the other */
	begin(1, TESTDEV_COMMAND_READ, at + page, BYTES);
	device_writes("beside it", at);
	printf("not mapped: the device reads: %s\n", end(1, TIMEOUT_S));
	device_reads("read-only", at + 2 * page);
	device_writes("read-only", at + 2 * page);
	device_reads("after it", at);
}

/* Have it read by ATS, which only its first registers do */
static void reads_by_ats(const char *what, const void *address)
{
	registers[TESTDEV_ADDR_LO / 4] = (uintptr_t)address;
	registers[TESTDEV_ADDR_HI / 4] = (uint64_t)(uintptr_t)address >> 32;
	registers[TESTDEV_PASID / 4] = pasid;
	registers[TESTDEV_LENGTH / 4] = BYTES;
	__sync_synchronize();
	registers[TESTDEV_COMMAND / 4] = TESTDEV_COMMAND_READ |
					 TESTDEV_COMMAND_ATS;
	printf("%s: the device reads by ATS: %s\n", what,
	       name_of(registers[TESTDEV_STATUS / 4]));
	printf("%s: the device has cached: %u\n", what,
	       registers[TESTDEV_ATC_ENTRIES / 4]);
}

static void ats(void)
{
	char *at = map(1);

	reads_by_ats("never touched", at);
	device_writes("never touched", at);
	reads_by_ats("written to", at);
}

static void gone(int signal)
{
	static const char text[] = "late: " GONE "\n";

	(void)signal;
	_exit(write(1, text, sizeof(text) - 1) < 0);
}

static void late(int file)
{
	char *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, file,
			SVA_OFFSET_LATE);
	char *other = map(1);
	const char *result;

	if (at == MAP_FAILED)
		die("mmap");
	/* The registers, once the driver has let go of the device */
	signal(SIGBUS, gone);
	begin(1, TESTDEV_COMMAND_WRITE, at, BYTES);
	device_writes("beside it", other);
	fflush(stdout);
	result = end(1, 600);
	if (strcmp(result, GONE))
		printf("late: the device writes: %s\n", result);
	else
		gone(0);
}

static void nobody(const char *address)
{
	pasid = 0;
	begin(0, TESTDEV_COMMAND_READ, (void *)strtoull(address, NULL, 0), 4);
	printf("without PASID: the device reads: %s\n", end(0, TIMEOUT_S));
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	const char *word = argc > 3 ? argv[3] : "";
	int file;

	if (argc < 3) {
		fprintf(stderr, "usage: sva-fault FILE WHAT [ARGUMENT]\n");
		return 2;
	}
	file = open(argv[1], O_RDWR);
	if (file < 0 || ioctl(file, SVA_GET_PASID, &pasid))
		die(argv[1]);
	pasid |= TESTDEV_PASID_SEND;
	page = sysconf(_SC_PAGESIZE);
	registers = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, file,
			 SVA_OFFSET_REGISTERS);
	if (registers == MAP_FAILED)
		die("registers");

	if (!strcmp(what, "fresh"))
		fresh();
	else if (!strcmp(what, "cow"))
		cow();
	else if (!strcmp(what, "dontneed"))
		dontneed();
	else if (!strcmp(what, "pageout"))
		pageout();
	else if (!strcmp(what, "file"))
		file_pages(word);
	else if (!strcmp(what, "random"))
		random_pages(atoi(word));
	else if (!strcmp(what, "unmapped"))
		unmapped();
	else if (!strcmp(what, "ats"))
		ats();
	else if (!strcmp(what, "late"))
		late(file);
	else if (!strcmp(what, "nobody"))
		nobody(word);
	else
		return 2;
	return 0;
}
