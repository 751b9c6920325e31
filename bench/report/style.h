/* SPDX-License-Identifier: Apache-2.0 */
/* The style sheet of the page. */
#ifndef LOWBIT_BENCH_REPORT_STYLE_H_
#define LOWBIT_BENCH_REPORT_STYLE_H_

extern const char lb_report_style[];

#endif
