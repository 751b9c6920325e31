# SPDX-License-Identifier: Apache-2.0
# cmake -DOUT=FILE -DFOLDER=FOLDER -P shapes.cmake: every FOLDER/NAME.txt as a line LB_SHAPE_SET(NAME, TEXT) of C.
file(GLOB names RELATIVE ${FOLDER} ${FOLDER}/*.txt)
list(TRANSFORM names REPLACE "\\.txt$" "")
list(SORT names)
set(sets "")
foreach(name ${names})
  file(READ ${FOLDER}/${name}.txt text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n  \"" text "${text}")
  string(APPEND sets "LB_SHAPE_SET(\"${name}\",\n  \"${text}\")\n")
endforeach()
file(WRITE ${OUT} "${sets}")
