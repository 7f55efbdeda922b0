! Classifies events in Fortran: one model, a workspace for a hundred events.
program classify
   use, intrinsic :: iso_c_binding
   use diphoton
   implicit none
   integer, parameter :: events = 100
   type(c_ptr) :: model, workspace
   type(diphoton_dims) :: dims
   real(c_float) :: input(8, events), signal(events)
   character(kind=c_char, len=256) :: message
   integer :: i

   if (diphoton_open("diphoton.dat"//c_null_char, 0, model, message, int(256, c_size_t)) /= diphoton_ok) then
      print '(a)', message(1:index(message, c_null_char) - 1)
      error stop
   end if
   dims%N = events
   if (diphoton_workspace_new(model, dims, c_null_ptr, workspace) /= diphoton_ok) error stop "no workspace"
   input = reshape([(real(mod(i, 97), c_float) / 97, i = 0, 8 * events - 1)], [8, events])
   if (diphoton_infer(model, workspace, dims, input, signal) /= diphoton_ok) error stop "refused"
   print '(i0, a, f8.6)', events, " events, mean signal ", sum(real(signal, c_double)) / events
   call diphoton_workspace_free(workspace)
   call diphoton_close(model)
end program classify
