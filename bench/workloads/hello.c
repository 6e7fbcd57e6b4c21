/* hello - nothing: what a malloc costs a program that does not use it, in start-up time and in memory.
 *
 * Source: the start-up test of snmalloc (src/test/perf/startup) asks the same question. The runner starts it many
 *         times and takes the sum, because one start is near the grain of the clock. */

int main(void) { return 0; }
