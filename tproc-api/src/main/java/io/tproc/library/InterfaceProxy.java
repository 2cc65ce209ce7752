package io.tproc.library;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An interface whose methods are a library's functions. */
final class InterfaceProxy implements InvocationHandler {
  private final ContainedLibrary library;
  private final Class<?> type;
  private final Map<Method, ContainedFunction> functions = new HashMap<>();

  private final Map<Method, MethodHandle> defaults = new HashMap<>();

  private InterfaceProxy(ContainedLibrary library, Class<?> type) {
    this.library = library;
    this.type = type;
  }

  static <T> T make(ContainedLibrary library, Class<T> type) {
    if (!type.isInterface()) {
      throw new IllegalArgumentException("not an interface: " + type.getName());
    }
    InterfaceProxy proxy = new InterfaceProxy(library, type);
    for (Method method : type.getMethods()) {
      if (JavaTypes.isOfObject(method)) {
        continue; // declared again, for its documentation
      }
      if (Modifier.isAbstract(method.getModifiers())) {
        JavaTypes.requireCallable(method);
        proxy.functions.put(
            method, library.function(method.getName(), JavaTypes.signature(method)));
      } else if (method.isDefault()) {
        proxy.defaults.put(method, defaultMethod(type, method));
      }
    }
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, proxy));
  }

  private static MethodHandle defaultMethod(Class<?> type, Method method) {
    try {
      return MethodHandles.privateLookupIn(type, MethodHandles.lookup())
          .unreflectSpecial(method, type);
    } catch (IllegalAccessException closed) {
      throw new IllegalArgumentException(
          "cannot call " + method + ": its package is not open to io.tproc", closed);
    }
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] given)
      throws Throwable {
    ContainedFunction function = functions.get(method);
    @Nullable Object[] arguments = given == null ? new @Nullable Object[0] : given;
    if (function != null) {
      return invoke(function, method, arguments);
    }
    if (method.isDefault()) {
      return Objects.requireNonNull(defaults.get(method))
          .bindTo(proxy)
          .invokeWithArguments(arguments);
    }
    return switch (method.getName()) {
      case "equals" -> proxy == arguments[0];
      case "hashCode" -> System.identityHashCode(proxy);
      default -> type.getSimpleName() + " of " + library;
    };
  }

  private @Nullable Object invoke(
      ContainedFunction function, Method method, @Nullable Object[] arguments) {
    Class<?>[] types = method.getParameterTypes();
    @Nullable Object[] passed = arguments.clone();
    List<Callback> callbacks = new ArrayList<>(0);
    try {
      for (int i = 0; i < passed.length; i++) {
        if (passed[i] != null && isFunction(types[i])) {
          Callback callback = callback(types[i], passed[i]);
          callbacks.add(callback);
          passed[i] = callback;
        }
      }
      return JavaTypes.convert(function.call(passed), method.getReturnType());
    } finally {
      callbacks.forEach(Callback::close);
    }
  }

  private static boolean isFunction(Class<?> type) {
    return type.isInterface() && JavaTypes.functionOf(type).isPresent();
  }

  private Callback callback(Class<?> functionType, Object body) {
    Method method = JavaTypes.functionOf(functionType).orElseThrow();
    return library.callback(JavaTypes.signature(method), body(method, body));
  }

  /** Calls a method of an object with what C gives. */
  static CallbackBody body(Method method, Object target) {
    method.setAccessible(true);
    Class<?>[] types = method.getParameterTypes();
    return arguments -> {
      @Nullable Object[] converted = new @Nullable Object[arguments.length];
      for (int i = 0; i < converted.length; i++) {
        converted[i] = JavaTypes.convert(arguments[i], types[i]);
      }
      try {
        return method.invoke(target, converted);
      } catch (InvocationTargetException thrown) {
        throw thrown.getCause() != null ? thrown.getCause() : thrown;
      }
    };
  }
}
