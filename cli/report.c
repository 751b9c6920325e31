/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include <errno.h>
#include <string.h>

#include "bench/report/plots.h"

int lb_cli_report_add(lb_cli_report *r, const char *name, json_t *file) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lb_report_add(&r->report, name, file, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(r->command, status, &error);
}

int lb_cli_report_finish(lb_cli_report *r, const char *title) {
    if (lb_report_rows(&r->report) == 0) return lb_cli_error(LB_EXIT_FAILED, r->command, "there are no results");
    lb_report_finish(&r->report);
    lb_report_default_title(&r->report, r->machine);
    r->title = title ? title : r->machine;
    lb_plot_all(&r->report, &r->figures);
    return r->figures.failed ? lb_cli_error(LB_EXIT_FAILED, r->command, "no memory for the plots") : LB_EXIT_OK;
}

bool lb_cli_report_html(FILE *file, const lb_cli_report *r) {
    lb_report_write_html(file, &r->report, &r->figures, r->title);
    return true;
}

int lb_cli_report_close(const lb_cli_report *r, FILE *file, const char *target, bool complete) {
    const bool written = !ferror(file) && (file == stdout ? fflush(file) : fclose(file)) == 0;
    if (!complete) return lb_cli_error(LB_EXIT_FAILED, r->command, "no memory for %s", target);
    if (!written && !(file == stdout && errno == EPIPE))
        return lb_cli_error(LB_EXIT_FAILED, r->command, "cannot write %s: %s", target, strerror(errno));
    return written ? LB_EXIT_OK : LB_EXIT_FAILED;
}

int lb_cli_report_write(const lb_cli_report *r, const char *target, bool (*write)(FILE *, const lb_cli_report *)) {
    if (!target) return LB_EXIT_OK;
    FILE *file = strcmp(target, "-") == 0 ? stdout : fopen(target, "w");
    if (!file) return lb_cli_error(LB_EXIT_FAILED, r->command, "cannot write %s: %s", target, strerror(errno));
    return lb_cli_report_close(r, file, target, write(file, r));
}

void lb_cli_report_release(lb_cli_report *r) {
    lb_figures_free(&r->figures);
    lb_report_release(&r->report);
}

int lb_cli_write_page(const char *command, const char *target, const char *title, json_t *file) {
    lb_cli_report r = {.command = command};
    int code = lb_cli_report_add(&r, command, file);
    if (code == LB_EXIT_OK) code = lb_cli_report_finish(&r, title);
    if (code == LB_EXIT_OK) code = lb_cli_report_write(&r, target, lb_cli_report_html);
    lb_cli_report_release(&r);
    return code;
}
