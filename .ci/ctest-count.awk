# awk -f ctest-count.awk LastTest.log CTEST_OUTPUT: prints "PASSED FAILED SKIPPED".
# The log has what each test printed, ctest's own output has the verdicts (the log calls a skipped test
# passed). A test that tells its cases (cmocka's closing lines, TAP lines) counts by them, any other as one.
FNR == 1 { part++ }
part == 1 && /^[0-9]+\/[0-9]+ Testing: / { name = $0; sub(/^[^:]*: /, "", name); printing = 0 }
part == 1 && /^Output:$/ { printing = 1 }
part == 1 && /^<end of output>$/ { printing = 0 }
part == 1 && printing {
    if ($0 ~ /^\[  PASSED  \] [0-9]+ test\(s\)/) pass_cases[name] += $4
    else if ($0 ~ /^\[  FAILED  \] [0-9]+ test\(s\)/) fail_cases[name] += $4
    else if ($0 ~ /^\[  SKIPPED \] [0-9]+ test\(s\)/) skip_cases[name] += $4
    else if ($0 ~ /^ok [0-9]+.*# [Ss][Kk][Ii][Pp]/) skip_cases[name]++
    else if ($0 ~ /^ok [0-9]+/) pass_cases[name]++
    else if ($0 ~ /^not ok [0-9]+/) fail_cases[name]++
}
part == 2 && /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
    name = $0; sub(/^[^:]*: /, "", name); sub(/ \.*[ *].*$/, "", name)
    if ($0 ~ /\*\*\*Skipped|\*\*\*Not Run \(Disabled\)/) skipped += skip_cases[name] ? skip_cases[name] : 1
    else if ($0 ~ /   Passed +[0-9.]+ sec/) {
        passed += pass_cases[name] + skip_cases[name] ? pass_cases[name] : 1
        skipped += skip_cases[name]
    } else {
        # a crash or a leak after the last case fails the test although every case passed
        passed += pass_cases[name]
        failed += fail_cases[name] ? fail_cases[name] : 1
        skipped += skip_cases[name]
    }
}
END { printf "%d %d %d\n", passed, failed, skipped }
