/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text into the languages of the outputs. Text that was cut within a character ends in a question mark. */
#ifndef LOWBIT_BENCH_REPORT_ESCAPE_H_
#define LOWBIT_BENCH_REPORT_ESCAPE_H_

#include <stdio.h>

/* HTML and XML, in elements and in quoted attributes. */
void lb_put_xml(FILE *file, const char *text);

/* A cell of a Markdown table. */
void lb_put_markdown(FILE *file, const char *text);

/* A CSV field (RFC 4180): in quotes where it needs them. */
void lb_put_csv(FILE *file, const char *text);

/* A string of gnuplot or of its data files, with its double quotes. */
void lb_put_gnuplot(FILE *file, const char *text);

#endif
