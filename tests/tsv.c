/* SPDX-License-Identifier: Apache-2.0 */
/* GLUE's files: every task by its name and by its header, what is text and what is not, every refusal with its line,
 * and the files of the data folder. */
#include "nn/tsv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"

static lowbit_status parse(const char *text, const char *task, lb_glue *data, lowbit_error *error) {
    const size_t length = strlen(text);
    uint8_t *bytes = check_guarded(length, CHECK_GUARD_AFTER);
    memcpy(bytes, text, length);
    check_context("%s: %.200s", task ? task : "by header", text);
    return lb_glue_parse(bytes, length, task, data, error);
}

static bool is(lb_text text, const char *want) { return lb_text_equal(text, lb_text_of(want)); }

/* The headers of the published files, one row each. */
static const struct file {
    const char *task, *text, *first, *second;
    double label;
} kFiles[] = {
    {"cola", "gj04\t0\t*\tThey drank the pub.\n", "They drank the pub.", "", 0},
    {"cola", "source\tlabel\tstar\tsentence\ngj04\t1\t\tIt \"is.\n", "It \"is.", "", 1},
    {"sst2", "sentence\tlabel\nit 's a journey . \t1\n", "it 's a journey . ", "", 1},
    {"sst2", "label\tsentence\r\n0\tdull\r\n", "dull", "", 0},
    {"mrpc", "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tHe said \"no\tIt\n", "He said \"no",
     "It", 1},
    {"qqp", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tHow?\t0\n", "Why?", "How?", 0},
    {"stsb",
     "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
     "0\tnews\tx\t2012\t1\tnone\tnone\tA man.\tA boy.\t3.800\n",
     "A man.", "A boy.", 3.8},
    {"mnli",
     "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_"
     "parse\t"
     "sentence1\tsentence2\tlabel1\tgold_label\n0\t1\t2\tslate\t(\t)\t(\t)\tYes.\tNo.\tentailment\tneutral\n",
     "Yes.", "No.", 2},
    {"qnli", "index\tquestion\tsentence\tlabel\n0\tWho?\tHe.\tnot_entailment", "Who?", "He.", 1},
    {"rte", "index\tsentence1\tsentence2\tlabel\n0\t\tB\tentailment\n", "", "B", 0}};

static void check_file(const struct file *f, const char *task) {
    lb_glue data;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!CHECK(parse(f->text, task, &data, &error) == LOWBIT_OK)) return;
    CHECK(strcmp(data.task->name, f->task) == 0 && data.count == 1 && data.passed_over == 0);
    CHECK(is(data.rows[0].first, f->first) && is(data.rows[0].second, f->second) && data.rows[0].label == f->label);
    lb_glue_close(&data);
}

static void check_table(void) {
    size_t tasks = 0;
    for (const lb_glue_task *t; (t = lb_glue_task_at(tasks)); tasks++) {
        check_context("%s", t->name);
        CHECK(lb_glue_task_of(t->name) == t && t->metrics[0] && (t->classes > 0 ? t->words != NULL : t->most > 0));
    }
    CHECK(tasks == 8 && !lb_glue_task_of("SST2"));
}

void subject_tsv(void) {
    lb_glue data;
    check_table();
    for (size_t i = 0; i < LB_COUNT(kFiles); i++) {
        check_file(&kFiles[i], NULL);
        check_file(&kFiles[i], kFiles[i].task);
    }
    static const char kRagged[] = "question1\tquestion2\tis_duplicate\na\tb\t1\na\tb\n\nc\td\t0\te\nc\td\t0\n";
    if (CHECK(parse(kRagged, "qqp", &data, NULL) == LOWBIT_OK)) {
        CHECK(data.count == 2 && data.passed_over == 3 && is(data.rows[1].second, "d"));
        lb_glue_close(&data);
    }
    /* RTE's columns and one more that SST-2 has: the task with more columns. */
    if (CHECK(parse("sentence\tsentence1\tsentence2\tlabel\na\tb\tc\tentailment", NULL, &data, NULL) == LOWBIT_OK)) {
        CHECK(strcmp(data.task->name, "rte") == 0);
        lb_glue_close(&data);
    }
    if (CHECK(parse("sentence\tlabel\n\"a\t1\nb\"\t0\n", NULL, &data, NULL) == LOWBIT_OK)) { /* no quotes */
        CHECK(data.count == 2 && is(data.rows[0].first, "\"a") && is(data.rows[1].first, "b\""));
        lb_glue_close(&data);
    }
}

static void check_refused(const char *text, const char *task, lowbit_status status, const char *reason) {
    lb_glue data;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(parse(text, task, &data, &error) == status && data.count == 0 && !data.rows);
    check_context("\"%s\" for %.100s", error.message, text);
    CHECK(strstr(error.message, reason));
}

void subject_tsv_refusals(void) {
    static const struct {
        const char *text, *task, *reason;
    } kCases[] = {{"", NULL, "line 1 names the columns of no task"},
                  {"\n", NULL, "line 1 names"},
                  {"a\tb\n", NULL, "line 1 names"},
                  {"x\t2\ty\tz\n", NULL, "line 1 names"},
                  {"", "sst2", "no column \"sentence\""},
                  {"sentence\nx\n", "sst2", "no column \"label\", which sst2 needs"},
                  {"label\tsentence\tlabel\n", "sst2", "more than one column \"label\""},
                  {"sentence\tlabel\n", "sst2", "no row of sst2"},
                  {"sentence\tlabel", NULL, "no row"},
                  {"", "cola", "no row"},
                  {"sentence\tlabel\nx\t1\n\n", "sst2", "line 3 has 1 columns, not 2"},
                  {"sentence\tlabel\nx\t1\t\n", "sst2", "line 2 has 3 columns"},
                  {"sentence\tlabel\nx\t1\nx\t2\n", "sst2", "line 3 has no label of sst2 in column 2"},
                  {"sentence\tlabel\nx\t\n", "sst2", "line 2 has no label"},
                  {"sentence\tlabel\nx\t1 \n", "sst2", "line 2 has no label"},
                  {"gj04\t0\t*\tfine\ngj04\tx\t*\tnot\n", "cola", "line 2 has no label of cola in column 2"},
                  {"gj04\t0\t*\tfine\ngj04\t1\tnot\n", NULL, "line 2 has 3 columns, not 4"},
                  {"question1\tquestion2\tis_duplicate\na\tb\n", NULL, "no row of qqp"},
                  {"question1\tquestion2\tis_duplicate\na\tb\t3\n", NULL, "line 2 has no label"},
                  {"sentence1\tsentence2\tgold_label\na\tb\t-\n", NULL, "line 2 has no label of mnli in column 3"}};
    static const char *const kScores[] = {"",    ".",     "-1",  "5.01", "6",  "1e0",
                                          "nan", "1.2.3", "0x1", "1,5",  " 1", "0.0000000000000000000001"};
    for (size_t i = 0; i < LB_COUNT(kCases); i++)
        check_refused(kCases[i].text, kCases[i].task, LOWBIT_BAD_FORMAT, kCases[i].reason);
    for (size_t i = 0; i < LB_COUNT(kScores); i++) {
        char text[128];
        snprintf(text, sizeof text, "sentence1\tsentence2\tscore\na\tb\t5.\na\tb\t%s\n", kScores[i]);
        check_refused(text, "stsb", LOWBIT_BAD_FORMAT, "line 3 has no label of stsb in column 3");
    }
    check_refused("sentence\tlabel\nx\t1\n", "sst5", LOWBIT_INVALID_ARGUMENT, "no task \"sst5\"");
    lb_glue data;
    CHECK(lb_glue_open("/proc/none", NULL, &data, NULL) == LOWBIT_NOT_FOUND);
    CHECK(lb_glue_open("/dev/null", NULL, &data, NULL) == LOWBIT_BAD_FORMAT);
}

void subject_tsv_data(void) {
    static const struct {
        const char *name;
        int64_t count, positive; /* as the folder's README says; -1 = it does not */
    } kSets[] = {{"dev_public.tsv", 436, 224}, {"train_10k.tsv", 10000, -1}};
    const char *folder = getenv("LOWBIT_DATA");
    if (!folder) check_skip("LOWBIT_DATA names no folder with sst2/");
    for (size_t s = 0; s < LB_COUNT(kSets); s++) {
        char path[4096];
        lb_glue data;
        int64_t positive = 0;
        snprintf(path, sizeof path, "%s/sst2/%s", folder, kSets[s].name);
        check_context("%s", path);
        if (!CHECK(lb_glue_open(path, NULL, &data, NULL) == LOWBIT_OK)) continue;
        for (int64_t i = 0; i < data.count; i++) positive += data.rows[i].label == 1;
        CHECK(strcmp(data.task->name, "sst2") == 0 && data.count == kSets[s].count);
        CHECK(kSets[s].positive < 0 || positive == kSets[s].positive);
        lb_glue_close(&data);
    }
}
