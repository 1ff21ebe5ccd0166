import { enhanceOnce } from './enhance.ts';

/** Shows only the operators that fit the chosen column, and the field that fits its type. */
enhanceOnce<HTMLFormElement>('form[data-filter-form]', (form) => {
  const column = form.querySelector<HTMLSelectElement>('select[name="add_column"]');
  const operator = form.querySelector<HTMLSelectElement>('select[name="add_op"]');
  const value = form.querySelector<HTMLInputElement>('input[name="add_value"]');
  if (!column || !operator || !value) return;

  const fit = (): void => {
    const { field = 'text', operators = '', values } = column.selectedOptions[0]?.dataset ?? {};
    const taken = operators.split(' ');
    for (const option of operator.options) {
      const fits = taken.includes(option.value);
      option.hidden = !fits;
      option.disabled = !fits;
    }
    if (operator.selectedOptions[0]?.disabled ?? true) {
      operator.selectedIndex = [...operator.options].findIndex((option) => !option.disabled);
    }
    // A browser empties a field whose text does not fit its new type.
    if (value.type !== field) value.type = field;
    if (values) {
      value.pattern = values;
      value.title = `one of: ${values.replaceAll('|', ', ')}`;
    } else {
      value.removeAttribute('pattern');
      value.removeAttribute('title');
    }
  };
  column.addEventListener('change', fit);
  fit();
});
