// What the C++ library that is linked into the addon does when it can't go on, which without
// exceptions is when memory for a string or a list runs out. GNU's own handler prints the type of
// the exception, for which it brings a demangler: 48 KB of the binary. Where that library isn't
// linked in, or is another one, nobody calls this.
#include <stdio.h>
#include <stdlib.h>

#include <exception>

#if defined(__GLIBCXX__)
namespace __gnu_cxx {

void __verbose_terminate_handler() {
  fputs("tilegrad: the C++ library can't go on, most likely for want of memory\n", stderr);
  abort();
}

}  // namespace __gnu_cxx
#endif
